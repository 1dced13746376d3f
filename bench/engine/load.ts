/**
 * A process with one checkout's engine, which exchanges for as long as it is told to and answers
 * with what each exchange cost. Started by ../engine.ts.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { BROWSER_HEAD, CLOSING_HEAD } from "../parts/request-heads.ts";
import { MemoryNetwork } from "./wires.ts";

const CONNECTIONS = 64;
const ROUNDS_PER_TURN = 4; // then the log's writes may end
const [root, scenario, log] = process.argv.slice(2) as [string, string, string];

const source = (path: string) => import(pathToFileURL(join(root, "dist", path)).href);
const { realWorld } = await source("base/real-world.js");
const { loadValue } = await source("config/load.js");
const { RunningProxy } = await source("admin/running-proxy.js");

const network = new MemoryNetwork();
const loaded = loadValue(
  {
    workers: 1,
    admin: "off",
    log: { access: log, format: "json" },
    upstreams: { origin: "http://127.0.0.1:9" },
    sites: [{ hosts: ["*"], listen: ["127.0.0.1:80"], routes: [{ forward: "origin" }] }],
  },
  "bench",
);
await RunningProxy.start(loaded, { world: { ...realWorld(), network } });

const closes = scenario === "connect";
const lines = closes ? CLOSING_HEAD : BROWSER_HEAD;
const request = Buffer.from(
  `GET /shop/products/4711?page=2 HTTP/1.1\r\nHost: 127.0.0.1:8080\r\n${lines.join("\r\n")}\r\n\r\n`,
);
const body = scenario === "10k" ? "x".repeat(10_240) : "x".repeat(100);
const response = Buffer.from(
  `HTTP/1.1 200 OK\r\nServer: nginx/1.22.1\r\nDate: Sat, 21 Nov 2026 16:40:00 GMT\r\n` +
    `Content-Type: application/json\r\nContent-Length: ${body.length}\r\nConnection: keep-alive\r\n\r\n${body}`,
);
const shared = Buffer.allocUnsafeSlow(64 * 1024);
let clients = Array.from({ length: CONNECTIONS }, () => network.client());

/** Each connection asks once; then each endpoint answers. */
function exchangeOnAll(): void {
  if (closes) clients = clients.map(() => network.client());
  for (const client of clients) {
    shared.set(request);
    client.send(shared.subarray(0, request.length));
  }
  for (const wire of network.connecting.splice(0)) wire.connect();
  for (const wire of network.asked.splice(0)) wire.answer(response);
}

/** Of this thread alone. The times of getrusage() are counted in ticks on many kernels. */
function cpuNs(): number {
  return Number(readFileSync("/proc/thread-self/schedstat", "latin1").split(" ")[0]);
}

async function run(ms: number): Promise<number> {
  const endMs = performance.now() + ms;
  const beforeNs = cpuNs();
  let exchanges = 0;
  while (performance.now() < endMs) {
    for (let round = 0; round < ROUNDS_PER_TURN; round++) exchangeOnAll();
    exchanges += ROUNDS_PER_TURN * CONNECTIONS;
    await new Promise((resolve) => setImmediate(resolve));
  }
  return (cpuNs() - beforeNs) / exchanges;
}

process.on("message", async (ms: number) => process.send!(await run(ms)));
process.on("disconnect", () => process.exit());
process.send!(0);
