import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";

/**
 * A port that was free a moment ago, for programs that cannot be asked for port 0. The system hands
 * out such ports in turn, so two callers do not get the same one.
 */
export async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}
