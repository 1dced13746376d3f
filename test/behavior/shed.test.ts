/** Load is shed by priority, on real sockets; health and admin go on. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { eventually } from "../support/deadline.ts";
import { type Scenario, scenario } from "../support/scenario.ts";

async function holdingOrigin(it: Scenario) {
  const held: ServerResponse[] = [];
  const server = createServer((request, response) => {
    if (request.url === "/held") held.push(response);
    else response.end("ok");
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  it.defer(() => server.close().closeAllConnections());
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, held };
}

scenario(
  "shed: low priority is refused while too many requests are under way, and served again after",
  async (it) => {
    const origin = await holdingOrigin(it);
    const proxy =
      await it.proxyHere(`{ upstreams: { app: "${origin.url}" }, shed: { requests: 2, loopDelay: off, memory: off },
      sites: [{ hosts: ["*"], routes: [
        { match: { path: /held }, forward: app, priority: critical },
        { match: { path: /critical }, forward: app, priority: critical },
        { match: { path: /low }, forward: app, priority: low },
        { forward: app } ] }] }`);
    const ask = async (path: string) => {
      const client = await it.connect();
      client.send(`GET ${path} HTTP/1.1\r\nhost: a.test\r\nconnection: close\r\n\r\n`);
      return client;
    };
    const get = async (path: string) => await (await ask(path)).readResponse();
    assert.equal((await get("/low")).status, 200);
    for (let number = 0; number < 12; number++) await ask("/held");

    const refused = await eventually(
      async () => {
        const response = await get("/low");
        return response.status === 503 ? response : undefined;
      },
      () => "low priority to be refused",
    );
    assert.match(String(refused.body), /overloaded/);
    assert.match(JSON.stringify(refused.fields), /retry-after/);
    await eventually(
      async () => ((await get("/usual")).status === 503 ? true : undefined),
      () => "then normal",
    );
    assert.equal((await get("/critical")).status, 200);
    const ready = await fetch(`http://127.0.0.1:${proxy.adminPort}/health/ready`);
    assert.equal(ready.status, 200);

    for (const response of origin.held) response.end("ok");
    await eventually(
      async () => ((await get("/low")).status === 200 ? true : undefined),
      () => "the end of it",
      20_000,
    );
  },
  { timeoutMs: 60_000 },
);
