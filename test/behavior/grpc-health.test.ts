/** Active checks that are calls of grpc.health.v1, to gRPC's own server and to some that are none. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import type { ServerHttp2Stream } from "node:http2";
import { createServer as createSecureServer } from "node:https";
import type { AddressInfo, Server } from "node:net";
import { Authority } from "../support/authority.ts";
import { eventually } from "../support/deadline.ts";
import { type HealthServer, startHealthServer } from "../support/grpc/health-server.ts";
import { Http2Origin } from "../support/http2-origin.ts";
import { skipWithout } from "../support/parts.ts";
import type { ProxyHere } from "../support/proxy.ts";
import { type Scenario, scenario } from "../support/scenario.ts";

const portOf = (server: Server) => (server.address() as AddressInfo).port;

async function serverOf(it: Scenario, isHealthServed = true): Promise<HealthServer> {
  const server = await startHealthServer(isHealthServed);
  it.defer(() => server.close());
  return server;
}

function checked(
  it: Scenario,
  urls: readonly string[],
  grpc: string,
  more = "",
): Promise<ProxyHere> {
  return it.proxyHere(`{ upstreams: { web: { endpoints: [${urls.map((url) => `"${url}"`).join()}],
    health: { active: { grpc: ${grpc}, every: 50ms, timeout: 1s } } ${more} } },
    sites: [{ hosts: "*", routes: [{ forward: web }] }] }`);
}

async function healthOf(proxy: ProxyHere): Promise<string> {
  const { upstreams } = await proxy.status();
  const [{ endpoints }] = upstreams as [{ endpoints: { health: string }[] }];
  return endpoints.map(({ health }) => health).join();
}

const becomes = (proxy: ProxyHere, wanted: string) =>
  eventually(
    async () => ((await healthOf(proxy)) === wanted ? true : undefined),
    () => `endpoints that are ${wanted}`,
  );

scenario(
  "a server is up while it says SERVING, and down while it says something else",
  async (it) => {
    const server = await serverOf(it);
    const proxy = await checked(it, [`h2c://127.0.0.1:${server.port}`], "true");
    await becomes(proxy, "up");

    server.services.set("", "NOT_SERVING");
    await becomes(proxy, "down");
    server.services.set("", "SERVING");
    await becomes(proxy, "up");

    assert.ok(server.asked.every((service) => service === ""));
  },
);

scenario("of one service, with fields of its own", async (it) => {
  const server = await serverOf(it);
  server.services.set("shop.Cart", "SERVING");
  const proxy = await it.proxyHere(`{ upstreams: {
    cart: { endpoints: ["h2c://127.0.0.1:${server.port}"],
      health: { active: { grpc: { service: shop.Cart }, headers: { x-check: sluice } } } },
    wish: { endpoints: ["h2c://127.0.0.1:${server.port}"],
      health: { active: { grpc: { service: shop.Wish } } } } },
    sites: [{ hosts: "*", routes: [{ match: { path: /wish }, forward: wish }, { forward: cart }] }] }`);

  const states = await eventually(
    async () => {
      const { upstreams } = await proxy.status();
      const all = (upstreams as { endpoints: { health: string }[] }[]).flatMap((each) =>
        each.endpoints.map(({ health }) => health),
      );
      return all.includes("unknown") ? undefined : all;
    },
    () => "results",
  );

  assert.deepEqual(states, ["up", "down"]);
  const at = server.asked.indexOf("shop.Cart");
  assert.deepEqual(server.metadata[at]!.get("x-check"), ["sluice"]);
  assert.deepEqual(server.metadata[at]!.get("user-agent"), ["sluice-health-check"]);
});

scenario(
  "over TLS the endpoint is verified as for requests, and has to speak HTTP/2",
  async (it) => {
    const authority = await Authority.create();
    it.defer(() => authority.remove());
    const { cert, key } = await authority.issue("IP:127.0.0.1");
    const serving = (stream: ServerHttp2Stream) => {
      stream.respond(
        { ":status": 200, "content-type": "application/grpc" },
        { waitForTrailers: true },
      );
      stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
      stream.end(Buffer.from("00000000020801", "hex"));
    };
    const origin = await Http2Origin.open(serving, { cert, key });
    it.defer(() => origin.close());
    const plain = createSecureServer({ cert, key }, (_request, response) => response.end("ok"));
    plain.listen(0, "127.0.0.1");
    await once(plain, "listening");
    it.defer(() => plain.close());

    const urls = [`h2://127.0.0.1:${origin.port}`, `https://127.0.0.1:${portOf(plain)}`];
    await becomes(await checked(it, urls, "true", `, tls: { ca: ${authority.caFile} }`), "up,down");
    await becomes(await checked(it, urls, "true"), "down,down");
    assert.equal(origin.requests[0]?.body, "\0\0\0\0\0");
  },
  { skip: skipWithout("openssl") },
);

scenario("who does not answer as gRPC does is down, whatever else it does", async (it) => {
  const web = await Http2Origin.open();
  const cut = await Http2Origin.open((stream) => stream.close(2));
  const silent = await Http2Origin.open(() => {});
  const flood = await Http2Origin.open((stream) => {
    stream.respond({ ":status": 200, "content-type": "application/grpc" });
    stream.end(Buffer.alloc(1024 * 1024));
  });
  const unserved = await serverOf(it, false);
  const http1 = createServer((_request, response) => response.end("ok")).listen(0, "127.0.0.1");
  await once(http1, "listening");
  it.defer(() => http1.close());
  const odd = [web, cut, silent, flood];
  for (const each of odd) it.defer(() => each.close());
  const ports = [...odd.map(({ port }) => port), unserved.port, portOf(http1)];

  const proxy = await checked(
    it,
    ports.map((port) => `h2c://127.0.0.1:${port}`),
    "true",
  );

  await becomes(proxy, ports.map(() => "down").join());
});
