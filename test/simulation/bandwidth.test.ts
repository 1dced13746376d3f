/** bandwidth: bodies flow as fast as said, whole, in order, and in turns. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Filter } from "../../src/core/filter.ts";
import { bandwidth } from "../../src/features/bandwidth/bandwidth.ts";
import { toolsOf } from "../support/build-tools.ts";
import { GET, type SimProxyOptions, simulation } from "../support/sim-proxy.ts";
import type { SimWorker } from "../support/sim-worker.ts";

const KIB = 1024;
const MIB = 1024 * KIB;

const paced = (options: object, more: SimProxyOptions = {}): SimProxyOptions => ({
  filters: (worker: SimWorker): Filter[] => [
    bandwidth.build(bandwidth.schema.parse(options), toolsOf(worker)),
  ],
  network: { kernelBytes: 64 * KIB },
  ...more,
});

const withLength = (bytes: number) =>
  `HTTP/1.1 200 OK\r\nContent-Length: ${bytes}\r\n\r\n${"x".repeat(bytes)}`;
const chunked = (bytes: number) =>
  `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${bytes.toString(16)}\r\n${"x".repeat(bytes)}\r\n0\r\n\r\n`;

const isAbout = (value: number, wanted: number, share = 0.02) =>
  assert.ok(Math.abs(value / wanted - 1) <= share, `${value}, not ${wanted}`);

// biome-ignore format: a table
const rates: [name: string, answer: (bytes: number) => string, rate: string, bytesPerS: number][] = [
  ["1 MiB/s, a length",       withLength, "1MiB/s",   MIB],
  ["1 MiB/s, chunks",         chunked,    "1MiB/s",   MIB],
  ["20 KiB/s",                withLength, "20KiB/s",  20 * KIB],
  ["1 KiB/s",                 withLength, "1KiB/s",   KIB],
];

for (const [name, answer, rate, bytesPerS] of rates) {
  const bytes = bytesPerS * 12;
  simulation(
    `bandwidth: a response at ${name} takes the time it should`,
    paced({ response: rate }, { origins: [answer(bytes)] }),
    async (proxy) => {
      const client = await proxy.clientWith(GET);
      await proxy.advance(1_000);
      const after = client.byteCount;
      await proxy.advance(10_000);
      isAbout((client.byteCount - after) / 10, bytesPerS);
      await proxy.advance(3_000);

      assert.equal(proxy.lastOver.responseBytes, bytes);
      assert.deepEqual(proxy.ends, ["served"]);
    },
  );
}

simulation(
  "bandwidth: a response keeps its Content-Length",
  paced({ response: "1MiB/s" }),
  async (proxy) => {
    const client = await proxy.clientWith(GET);
    await proxy.advance(50);

    assert.match(client.text, /^HTTP\/1\.1 200 OK\r\nContent-Length: 2\r\n\r\nok$/);
  },
);

simulation(
  "bandwidth: an upload takes the time it should, and keeps its length",
  paced({ request: "20KiB/s" }),
  async (proxy) => {
    const bytes = 240 * KIB;
    const client = proxy.client();
    client.send(`POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: ${bytes}\r\n\r\n`);
    client.sendBytes(Buffer.alloc(bytes, "y"));
    await proxy.advance(1_000);
    const [connection] = proxy.origin.connections;
    const after = connection!.byteCount;
    await proxy.advance(10_000);
    isAbout((connection!.byteCount - after) / 10, 20 * KIB);
    await proxy.advance(3_000);

    assert.match(client.text, /^HTTP\/1\.1 200 /);
    assert.equal(proxy.origin.requests[0]!.body.length, bytes);
  },
);

simulation(
  "bandwidth: clients of one address share it, half each",
  paced({ response: "1MiB/s", per: "clientIp" }, { origins: [withLength(20 * MIB)] }),
  async (proxy) => {
    const clients = [await proxy.clientWith(GET), await proxy.clientWith(GET)];
    await proxy.advance(1_000);
    const before = clients.map(({ byteCount }) => byteCount);
    await proxy.advance(10_000);

    const flowed = clients.map(({ byteCount }, at) => byteCount - before[at]!);
    isAbout(flowed[0]! / 10, MIB / 2, 0.03);
    isAbout(flowed[1]! / 10, MIB / 2, 0.03);
  },
);

simulation(
  "bandwidth: each connection has its own",
  paced({ response: "1MiB/s" }, { origins: [withLength(20 * MIB)] }),
  async (proxy) => {
    const clients = [await proxy.clientWith(GET), await proxy.clientWith(GET)];
    await proxy.advance(5_000);

    for (const { byteCount } of clients) isAbout(byteCount / 5, MIB, 0.03);
  },
);

simulation(
  "bandwidth: many small responses on one connection are one flow",
  paced({ response: "10KiB/s" }, { origins: [withLength(1_000)] }),
  async (proxy) => {
    const client = await proxy.clientWith(GET.repeat(200));
    await proxy.advance(10_000);

    isAbout(proxy.worker.over.length * 1_000, 100 * KIB, 0.05);
    assert.ok(client.byteCount > 0);
  },
);

simulation(
  "bandwidth: a burst goes at once, and comes back in a pause",
  paced({ response: "100KiB/s", burst: "1MiB" }, { origins: [withLength(MIB)] }),
  async (proxy) => {
    const client = await proxy.clientWith(GET);
    await proxy.advance(300);
    assert.equal(proxy.ends.length, 1, "all of it was the burst");
    client.send(GET);
    await proxy.advance(5_000);
    assert.equal(proxy.ends.length, 1);
    await proxy.advance(6_000);
    assert.equal(proxy.ends.length, 2);
  },
);

simulation(
  "bandwidth: who reads slowly holds nobody back, and nothing is kept for it",
  paced({ response: "1MiB/s", per: "all" }, { origins: [withLength(8 * MIB)] }),
  async (proxy) => {
    const slow = await proxy.clientWith(GET);
    slow.pause();
    const quick = await proxy.clientWith(GET);
    await proxy.advance(10_000);

    assert.ok(quick.byteCount > 7 * MIB, `${quick.byteCount}`);
    assert.ok(proxy.pendingBytes < MIB, `${proxy.pendingBytes} held`);
  },
);

for (let atMs = 0; atMs <= 1_000; atMs += 90) {
  simulation(
    `bandwidth: a client that leaves after ${atMs} ms leaves nothing behind`,
    paced(
      { response: "1MiB/s", request: "1MiB/s", per: "clientIp" },
      { origins: [withLength(2 * MIB)] },
    ),
    async (proxy) => {
      const [client, other] = [proxy.client(), proxy.client()];
      client.send(`POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: ${MIB}\r\n\r\n`);
      client.sendBytes(Buffer.alloc(MIB));
      other.send(GET);
      await proxy.advance(atMs);
      client.reset();
      await proxy.advance(6_000);

      assert.ok(other.byteCount > 2 * MIB, "the other got all of it");
    },
  );
}

test("bandwidth: bodies are never changed by being sliced", async () => {
  // What the tables above count is of one letter; here each byte tells its place.
  const { SimProxy } = await import("../support/sim-proxy.ts");
  const body = Array.from({ length: 40_000 }, (_, at) => at.toString(36))
    .join(",")
    .slice(0, 150_000);
  const answer = `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
  const proxy = await SimProxy.start(paced({ response: "100KiB/s" }, { origins: [answer] }));
  const client = await proxy.clientWith(GET);
  await proxy.advance(2_000);

  assert.equal(client.text.slice(client.text.indexOf("\r\n\r\n") + 4), body);
  await proxy.end();
});
