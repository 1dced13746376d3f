/** A gibibyte up and a gibibyte down, in a process whose memory does not grow with it (D7). */
import assert from "node:assert/strict";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer, request } from "node:http";
import type { AddressInfo } from "node:net";
import { forwardTo, type Scenario, scenario } from "../support/scenario.ts";

const GIB = 1024 ** 3;
const PIECE = Buffer.alloc(1024 * 1024, 0x61);
const RSS_GROWTH_MAX = 160 * 1024 * 1024; // the heap's own breathing, far below a gibibyte

/** An origin that takes and gives any amount, by node:http: it is not what is tested here. */
async function bulkOrigin(it: Scenario): Promise<string> {
  const server = createServer(async (incoming, outgoing) => {
    let count = 0;
    for await (const chunk of incoming) count += (chunk as Buffer).length;
    if (incoming.method === "POST") {
      outgoing.end(String(count));
      return;
    }
    if (incoming.url === "/length") outgoing.setHeader("content-length", GIB);
    for (let sent = 0; sent < GIB; sent += PIECE.length) {
      if (!outgoing.write(PIECE)) await once(outgoing, "drain");
    }
    outgoing.end();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  it.defer(() => server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** The most memory the process ever had, in bytes. */
async function peakBytes(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, "utf8");
  return Number(/^VmHWM:\s+(\d+) kB/m.exec(status)![1]) * 1024;
}

const skip = process.platform === "linux" ? false : "needs /proc";

for (const [name, path] of [
  ["with a length", "/length"],
  ["chunked", "/chunked"],
] as const) {
  scenario(
    `bulk: 1 GiB down ${name}`,
    async (it) => {
      const proxy = await it.process(forwardTo(await bulkOrigin(it)));
      const before = await peakBytes(proxy.child.pid!);

      const outgoing = request({ port: proxy.port, host: "127.0.0.1", path, agent: false }).end();
      const [incoming] = await once(outgoing, "response");
      let count = 0;
      for await (const chunk of incoming) count += (chunk as Buffer).length;

      assert.equal(count, GIB);
      const grown = (await peakBytes(proxy.child.pid!)) - before;
      assert.ok(grown < RSS_GROWTH_MAX, `grew by ${Math.round(grown / 1024 ** 2)} MiB`);
    },
    { skip, timeoutMs: 120_000 },
  );

  scenario(
    `bulk: 1 GiB up ${name}`,
    async (it) => {
      const proxy = await it.process(forwardTo(await bulkOrigin(it)));
      const before = await peakBytes(proxy.child.pid!);

      const headers = path === "/length" ? { "content-length": GIB } : {};
      const outgoing = request({
        port: proxy.port,
        host: "127.0.0.1",
        method: "POST",
        agent: false,
        headers,
      });
      for (let sent = 0; sent < GIB; sent += PIECE.length) {
        if (!outgoing.write(PIECE)) await once(outgoing, "drain");
      }
      outgoing.end();
      const [incoming] = await once(outgoing, "response");
      let text = "";
      for await (const chunk of incoming) text += String(chunk);

      assert.equal(text, String(GIB));
      const grown = (await peakBytes(proxy.child.pid!)) - before;
      assert.ok(grown < RSS_GROWTH_MAX, `grew by ${Math.round(grown / 1024 ** 2)} MiB`);
    },
    { skip, timeoutMs: 120_000 },
  );
}

scenario(
  "bulk: a fast origin and a slow client: the proxy holds back instead of hoarding",
  async (it) => {
    const proxy = await it.process(forwardTo(await bulkOrigin(it)));
    const client = await it.connect();
    const before = await peakBytes(proxy.child.pid!);

    client.send("GET /length HTTP/1.1\r\nhost: a.test\r\n\r\n");
    await client.readUntil("\r\n\r\n");
    client.socket.pause();
    await new Promise((resolve) => setTimeout(resolve, 1_500));

    const grown = (await peakBytes(proxy.child.pid!)) - before;
    assert.ok(grown < 64 * 1024 * 1024, `grew by ${Math.round(grown / 1024 ** 2)} MiB`);
    client.reset();
  },
  { skip },
);
