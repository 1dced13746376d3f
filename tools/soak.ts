/**
 *     node tools/soak.ts [--minutes 20] [--clients 24] [--seed N] [--workers 1]
 *
 * Mixed traffic, faults of the origins and reloads, for a long time, against `sluice run` in a process
 * of its own. Heap, memory and descriptors must stay flat: what a request leaves behind adds up.
 */
import { readdirSync, readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { FaultDriver } from "../test/support/chaos/fault-driver.ts";
import { MixedTraffic } from "../test/support/chaos/mixed-traffic.ts";
import { replaceConfig } from "../test/support/chaos/replace-config.ts";
import { pause } from "../test/support/deadline.ts";
import { type ProxyProcess, startProxyProcess } from "../test/support/proxy.ts";
import { judged, type Sample, tellSample } from "./soak/flatness.ts";

const ORIGINS = 3;
const FAULT_EVERY_MS = 2_000;
const RELOAD_EVERY_MS = 5_000;
const SAMPLE_EVERY_MS = 2_000;
const TELL_EVERY = 15; // samples
const SPARE_DESCRIPTORS = 4; // the connections that ask for metrics
const IDLE_MS = 8_000; // beyond upstreamKeepAlive below: nothing is left then but what listens

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "20" },
    clients: { type: "string", default: "24" },
    seed: { type: "string", default: "1" },
    workers: { type: "string", default: "1" },
  },
});

const driver = new FaultDriver(ORIGINS, Number(values.seed));
await driver.open();
const proxy = await startProxyProcess(configOf(0), ["--max-semi-space-size=32"]);
try {
  process.exitCode = (await soak(proxy)) ? 0 : 1;
} finally {
  await proxy.stop();
  await driver.close();
}

async function soak({ port, configFile, child, metrics }: ProxyProcess): Promise<boolean> {
  const pid = child.pid!;
  const traffic = new MixedTraffic(port, Number(values.seed) + 1);
  await metrics(); // its own connections are there before anything is counted
  const descriptorsAtRest = descriptorsOf(pid);
  const samples: Sample[] = [];
  const endMs = performance.now() + Number(values.minutes) * 60_000;
  traffic.start(Number(values.clients));
  driver.start(FAULT_EVERY_MS);

  let version = 0;
  for (let reloadMs = performance.now(); performance.now() < endMs; ) {
    await pause(SAMPLE_EVERY_MS);
    if (performance.now() - reloadMs >= RELOAD_EVERY_MS) {
      reloadMs = performance.now();
      replaceConfig(configFile, configOf(++version));
      child.kill("SIGHUP");
    }
    samples.push(sampleOf(pid, await metrics()));
    if (samples.length % TELL_EVERY === 0) console.log(tellSample(samples.at(-1)!));
  }
  await driver.stop();
  await traffic.stop();
  await pause(IDLE_MS);

  const page = await metrics();
  const findings = [...traffic.complaints, ...judged(samples)];
  const left = descriptorsOf(pid) - descriptorsAtRest;
  if (left > SPARE_DESCRIPTORS) findings.push(`${left} descriptors are left at rest`);
  if (sumOf(page, "sluice_bugs_total") !== 0) findings.push("bugs were counted");
  for (const gauge of ["sluice_requests_active", "sluice_upstream_requests_active"]) {
    if (sumOf(page, gauge) !== 0) findings.push(`${gauge} is ${sumOf(page, gauge)} at rest`);
  }
  for (const [what, count] of [...traffic.counts].sort()) {
    console.log(`${String(count).padStart(8)} ${what}`);
  }
  console.log(`${version} reloads, ${left} descriptors more than before, at rest`);
  for (const finding of findings) console.log(`FINDING ${finding}`);
  console.log(findings.length === 0 ? "flat" : "not flat");
  return findings.length === 0;
}

function configOf(version: number): string {
  const keepAlive = "timeouts: { upstreamKeepAlive: 5s, keepAlive: 20s,";
  const text = driver.config(version).replace("timeouts: {", keepAlive);
  return `workers: ${values.workers}\n${text.replace(/^ {6}/gm, "")}`;
}

function sampleOf(pid: number, page: string): Sample {
  const status = readFileSync(`/proc/${pid}/status`, "latin1");
  return {
    atMs: performance.now(),
    residentBytes: Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1]) * 1024,
    heapBytes: heapOf(page),
    descriptors: descriptorsOf(pid),
    requests: sumOf(page, "sluice_requests_total"),
  };
}

function descriptorsOf(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length;
}

/** Of the main thread; what other threads hold shows in what is resident. */
function heapOf(page: string): number {
  return Number(/^sluice_process_heap_bytes\{kind="used"\} (\S+)$/m.exec(page)?.[1]);
}

/** Over all labels; 0 if it is not on the page. */
function sumOf(page: string, name: string): number {
  const lines = page.matchAll(new RegExp(`^${name}(?:\\{[^}]*\\})? (\\S+)$`, "gm"));
  return [...lines].reduce((sum, [, value]) => sum + Number(value), 0);
}
