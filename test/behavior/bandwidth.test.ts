/** bandwidth over real sockets: whole bodies, never faster than said, whatever is spoken. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import { connect as connectH2 } from "node:http2";
import type { AddressInfo } from "node:net";
import { forwardTo, type Scenario, scenario } from "../support/scenario.ts";

const BYTES = 3 * 1024 * 1024;
const BODY = Buffer.from(Array.from({ length: BYTES }, (_, at) => (at * 31) >> 3));
const SUM = sumOf(BODY);
const AT_LEAST_MS = 1_300; // of 1.5 s at 2 MiB/s: a slow machine takes longer, and never less

function sumOf(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/** Gives the body to GET, and tells the sum of what it was sent. */
async function bulkOrigin(it: Scenario): Promise<string> {
  const server = createServer(async (request, response) => {
    if (request.method === "GET") {
      response.setHeader("content-length", BYTES);
      response.end(BODY);
      return;
    }
    const hash = createHash("sha256");
    for await (const bytes of request) hash.update(bytes as Buffer);
    response.end(hash.digest("hex"));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  it.defer(() => server.close().closeAllConnections());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const RATES = "bandwidth: { response: 2MiB/s, request: 2MiB/s, per: clientIp }";

for (const workers of [1, 2]) {
  scenario(
    `bandwidth: two downloads of one client share its rate, ${workers} workers`,
    async (it) => {
      const proxy = await it.proxyHere(
        forwardTo(await bulkOrigin(it), { route: RATES, top: `workers: ${workers}` }),
      );
      const beganMs = performance.now();

      const sums = await Promise.all(
        [1, 2].map(async () => {
          const answer = await fetch(`http://127.0.0.1:${proxy.port}/`);
          assert.equal(answer.headers.get("content-length"), `${BYTES}`);
          return sumOf(new Uint8Array(await answer.arrayBuffer()));
        }),
      );

      assert.deepEqual(sums, [SUM, SUM]);
      assert.ok(performance.now() - beganMs > 2 * AT_LEAST_MS, "not twice the rate");
    },
  );
}

scenario("bandwidth: an upload arrives whole, and no faster", async (it) => {
  const proxy = await it.proxyHere(forwardTo(await bulkOrigin(it), { route: RATES }));
  const beganMs = performance.now();

  const answer = await fetch(`http://127.0.0.1:${proxy.port}/`, { method: "POST", body: BODY });

  assert.equal(await answer.text(), SUM);
  assert.ok(performance.now() - beganMs > AT_LEAST_MS);
});

scenario("bandwidth: streams of HTTP/2 share the rate of their connection", async (it) => {
  const proxy = await it.proxyHere(
    forwardTo(await bulkOrigin(it), {
      route: "bandwidth: { response: 2MiB/s, request: 2MiB/s }",
      top: 'listeners: { "*": { protocols: [h2c] } }',
    }),
  );
  const session = connectH2(`http://127.0.0.1:${proxy.port}`);
  it.defer(() => session.destroy());
  const ask = async (method: string, body?: Buffer) => {
    const stream = session.request({ ":method": method, ":path": "/" });
    stream.end(body);
    const pieces: Buffer[] = [];
    for await (const bytes of stream) pieces.push(bytes as Buffer);
    return Buffer.concat(pieces);
  };
  const beganMs = performance.now();

  const [first, second, told] = await Promise.all([ask("GET"), ask("GET"), ask("POST", BODY)]);

  assert.equal(sumOf(first!), SUM);
  assert.equal(sumOf(second!), SUM);
  assert.equal(told!.toString(), SUM);
  assert.ok(performance.now() - beganMs > 2 * AT_LEAST_MS);
  session.close();
});
