/** gRPC end to end: its own client and its own server, with Sluice between them. */
import { connected, INTEROP_CASES } from "../support/grpc/interop-cases.ts";
import { type InteropServer, startInteropServer } from "../support/grpc/interop-server.ts";
import { connectTo } from "../support/grpc/interop-service.ts";
import { forwardTo, type Scenario, scenario } from "../support/scenario.ts";

const LISTENERS = 'listeners: { "*": { protocols: [h1, h2c] } }';

async function serverOf(it: Scenario): Promise<InteropServer> {
  const server = await startInteropServer();
  it.defer(() => server.close());
  return server;
}

/** Sluice before such a server, and a client of it. */
async function through(it: Scenario, extra: Parameters<typeof forwardTo>[1] = {}) {
  const server = await serverOf(it);
  const url = `h2c://127.0.0.1:${server.port}`;
  const proxy = await it.proxy(forwardTo(url, { top: LISTENERS, ...extra }));
  const client = await connected(connectTo(proxy.port));
  it.defer(() => client.close());
  return { server, proxy, client };
}

scenario(
  "grpc: the cases pass without a proxy, so that what fails with one is its doing",
  async (it) => {
    const server = await serverOf(it);
    const client = await connected(connectTo(server.port));
    it.defer(() => client.close());

    for (const { run } of INTEROP_CASES) await run(client);
  },
);

for (const { name, run } of INTEROP_CASES) {
  scenario(`grpc: ${name}`, async (it) => {
    const { client } = await through(it);

    await run(client);
  });
}

scenario("grpc: all cases at once on one connection", async (it) => {
  const { client } = await through(it);

  await Promise.all(INTEROP_CASES.flatMap(({ run }) => [run(client), run(client), run(client)]));
});
