/** gRPC end to end: its own client and its own server, with Sluice between them. */
import { connected, INTEROP_CASES } from "../support/grpc/interop-cases.ts";
import { startInteropServer } from "../support/grpc/interop-server.ts";
import { connectTo } from "../support/grpc/interop-service.ts";
import { scenario } from "../support/scenario.ts";

scenario(
  "grpc: the cases pass without a proxy, so that what fails with one is its doing",
  async (it) => {
    const server = await startInteropServer();
    it.defer(() => server.close());
    const client = await connected(connectTo(server.port));
    it.defer(() => client.close());

    for (const { run } of INTEROP_CASES) await run(client);
  },
);
