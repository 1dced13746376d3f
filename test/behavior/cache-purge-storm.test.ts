/** Thousands of purges while traffic goes on: each holds when it is answered, and nothing piles up. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { Agent, createServer, type IncomingHttpHeaders, request } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Scenario, scenario } from "../support/scenario.ts";

const TAGS = 200;
const PATHS_A_TAG = 5;
const PURGES = 1_000;
const HEAP_BYTES_MAX = 128 * 1024 * 1024; // of the main thread
const RESIDENT_BYTES_MAX = 512 * 1024 * 1024; // of all of it, with 16MiB of cache

/** Answers with the version that a tag has by now. */
async function versionedOrigin(it: Scenario) {
  const versions = Array.from({ length: TAGS }, () => 0);
  const server = createServer(({ url = "" }, response) => {
    const tag = Number(url.split("/")[1]);
    const head = { "cache-control": "max-age=3600", "cache-tag": `t${tag}, all` };
    response.writeHead(200, head).end(`${versions[tag]} ${"x".repeat(2_000)}`);
  });
  server.keepAliveTimeout = 60_000;
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  it.defer(() => server.close().closeAllConnections());
  return { versions, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

interface Asking {
  readonly port: number;
  readonly agent: Agent;
}

interface Answered {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

function ask({ port, agent }: Asking, method: string, path: string, body = ""): Promise<Answered> {
  const headers = { host: method === "GET" ? "a.test" : `127.0.0.1:${port}` };
  return new Promise((resolve, reject) => {
    const asked = request({ port, agent, method, path, headers }, (answer) => {
      let text = "";
      answer.setEncoding("utf8").on("data", (some: string) => {
        text += some;
      });
      answer.on("end", () =>
        resolve({ status: answer.statusCode!, headers: answer.headers, body: text }),
      );
    });
    asked.on("error", reject).end(body);
  });
}

for (const [what, workers, hasDisk] of [
  ["in memory", 1, false],
  ["in memory of two workers, and on disk", 2, true],
] as const) {
  scenario(
    `purge storm: ${PURGES} purges by tag under load, ${what}`,
    async (it) => {
      const origin = await versionedOrigin(it);
      const folder = mkdtempSync(join(tmpdir(), "sluice-storm-"));
      it.defer(() => rmSync(folder, { recursive: true, force: true }));
      const disk = hasDisk ? `, disk: { path: "${folder}", size: 64MiB }` : "";
      const proxy = await it.process(`
        workers: ${workers}
        cacheStore: { memory: 16MiB${disk} }
        upstreams: { app: "${origin.url}" }
        sites: [{ hosts: ["*"], routes: [{ forward: app, cache: on }] }]`);
      const agent = new Agent({ keepAlive: true, maxSockets: 24 });
      it.defer(() => agent.destroy());
      const client = { port: proxy.port, agent };
      const admin = { port: proxy.adminPort, agent: new Agent({ keepAlive: true, maxSockets: 4 }) };
      it.defer(() => admin.agent.destroy());

      let isOver = false;
      let served = 0;
      const readers = Array.from({ length: 8 }, async (_, reader) => {
        for (let count = reader; !isOver; count += 7) {
          const tag = count % TAGS;
          const least = origin.versions[tag]! - 1; // the purge for the last one may be on its way
          const { status, body } = await ask(client, "GET", `/${tag}/${count % PATHS_A_TAG}`);
          assert.equal(status, 200);
          assert.ok(Number.parseInt(body, 10) >= least, "no older than the last but one");
          served++;
        }
      });
      const purgers = Array.from({ length: 4 }, async (_, purger) => {
        for (let count = purger; count < PURGES; count += 4) {
          const tag = (purger + 4 * Math.floor(count / 4)) % TAGS; // each purger has its own tags
          const version = ++origin.versions[tag]!;
          const order = JSON.stringify({ tag: `t${tag}` });
          const purged = await ask(admin, "POST", "/api/purge", order);
          assert.equal(purged.status, 200, purged.body);
          if (count % 16 !== purger) continue;
          const { body } = await ask(client, "GET", `/${tag}/${count % PATHS_A_TAG}`);
          assert.equal(Number.parseInt(body, 10), version, "what was purged is not served");
        }
      });
      await Promise.all(purgers);
      isOver = true;
      await Promise.all(readers);

      assert.ok(served > 500, `${served}`);
      const lines = (await proxy.metrics()).split("\n");
      const value = (name: string) =>
        Number(lines.find((line) => line.startsWith(`${name} `))?.split(" ")[1] ?? 0);
      const heapBytes = value('sluice_process_heap_bytes{kind="used"}');
      assert.ok(heapBytes > 0 && heapBytes < HEAP_BYTES_MAX, `${heapBytes}`);
      const residentBytes = value("sluice_process_resident_bytes");
      assert.ok(residentBytes > 0 && residentBytes < RESIDENT_BYTES_MAX, `${residentBytes}`);
      assert.equal(value("sluice_bugs_total"), 0);
    },
    { timeoutMs: 180_000 },
  );
}
