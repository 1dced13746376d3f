import { connect } from "node:tls";
import { RawServer } from "./raw-server.ts";

/** The first bytes that a TLS client sends. */
export async function helloOf(servername: string): Promise<Buffer> {
  const server = await RawServer.open();
  const socket = connect({ port: server.port, host: "127.0.0.1", servername });
  socket.on("error", () => {});
  const hello = await new Promise<Buffer>((resolve) => {
    const look = () => {
      const text = server.connections[0]?.text ?? "";
      if (text === "") setImmediate(look);
      else resolve(Buffer.from(text, "latin1"));
    };
    look();
  });
  socket.destroy();
  server.close();
  return hello;
}

/** The same handshake message in records of this many bytes. */
export function inRecords(hello: Buffer, most: number): Buffer {
  const message = hello.subarray(5);
  const records: Buffer[] = [];
  for (let at = 0; at < message.length; at += most) {
    const piece = message.subarray(at, at + most);
    records.push(Buffer.from([22, 3, 1, piece.length >> 8, piece.length & 255]), piece);
  }
  return Buffer.concat(records);
}
