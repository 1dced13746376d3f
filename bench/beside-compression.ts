/**
 * How other requests fare while responses are compressed.
 *
 *     node bench/beside-compression.ts [--rounds 5] [--seconds 4] [--rate 250] [--coding gzip]
 *                                      [--workers 1] [--against ../other-checkout]
 *
 * Two loads at fixed rates: 100 KiB of JSON, which is compressed or not, and small responses, which are
 * what is measured. In turn the large ones are asked for as they are and compressed; the ratio of the small ones'
 * times is the result, and the median over the rounds. Sluice and the loads share all cores.
 */
import { spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { buildSluice, sluiceCommand } from "./contestants/sluice.ts";
import { Child, stopChildrenOnExit } from "./machine/child.ts";
import { freePort } from "./machine/free-port.ts";
import { describeMachine, WorkFolder, whyNotHere } from "./machine/place.ts";
import { cpuNs } from "./machine/process-tree.ts";
import { startOrigin } from "./parts/origin.ts";
import type { PacedResult } from "./parts/paced-load.ts";
import { median } from "./report/statistics.ts";
import { wordsOf } from "./scenarios/runner.ts";

const LOAD = join(import.meta.dirname, "parts/paced-load.ts");
const SMALL_RATE = 500;
const CONNECTIONS = 16;
const READY_MS = 10_000;
const WARMUP_S = 2;

interface Slice {
  readonly small: PacedResult;
  readonly large: PacedResult;
  readonly busy: number; // cores
}

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "5" },
    seconds: { type: "string", default: "4" },
    rate: { type: "string", default: "250" },
    coding: { type: "string", default: "gzip" },
    workers: { type: "string", default: "1" },
    against: { type: "string", multiple: true, default: [] },
  },
});

try {
  const obstacle = whyNotHere();
  if (obstacle !== undefined) throw new Error(`Cannot measure here: ${obstacle}`);
  await main();
} catch (failure) {
  console.error(wordsOf(failure));
  process.exitCode = 2;
}

async function main(): Promise<void> {
  const { rounds, seconds, coding, against } = values;
  buildSluice(against);
  stopChildrenOnExit();
  using folder = new WorkFolder();
  await using origin = await startOrigin(folder.path);
  const { processor, cores } = describeMachine();
  console.log(`${processor}, ${cores} cores; small: ${SMALL_RATE}/s, 100 KiB: ${values.rate}/s\n`);
  console.log(
    "| checkout | p50 plain, coded | p99 plain, coded | p99.9 | ratio of p50, p99 | cores busy | late |",
  );
  console.log("|---|---|---|---|---|---|---|");
  const roots = [undefined, ...against];
  const children = await Promise.all(
    roots.map((root, index) => start(folder.path, origin.port, index, root)),
  );
  try {
    for (const child of children) await slice(child, coding, WARMUP_S);
    const plain = children.map((): Slice[] => []);
    const coded = children.map((): Slice[] => []);
    for (let round = 0; round < Number(rounds); round++) {
      for (const [index, child] of children.entries()) {
        const first = round % 2 === 0 ? "-" : coding;
        const second = first === "-" ? coding : "-";
        for (const accept of [first, second]) {
          (accept === "-" ? plain : coded)[index]!.push(
            await slice(child, accept, Number(seconds)),
          );
        }
      }
    }
    for (const [index, root] of roots.entries()) tell(root ?? "this", plain[index]!, coded[index]!);
  } finally {
    for (const child of children) await child.stop(3_000);
  }
}

async function start(folder: string, origin: number, index: number, root?: string): Promise<Child> {
  const port = await freePort();
  const path = join(folder, `beside-${index}.yaml`);
  const site = {
    ...{ hosts: ["*"], listen: [`127.0.0.1:${port}`], compress: true },
    routes: [{ forward: "origin" }],
  };
  const upstreams = { origin: `http://127.0.0.1:${origin}` };
  const config = { workers: Number(values.workers), admin: "off", log: { access: "off" } };
  writeFileSync(path, JSON.stringify({ ...config, upstreams, sites: [site] }));
  const child = new Child({
    name: "sluice",
    command: sluiceCommand(path, root),
    cores: "0-1",
    port,
    outputPath: join(folder, `beside-${index}.out`),
    errorPath: join(folder, `beside-${index}.err`),
  });
  await child.ready(READY_MS);
  return child;
}

async function slice(child: Child, accept: string, seconds: number): Promise<Slice> {
  const beforeNs = cpuNs(child.tree);
  const [small, large] = await Promise.all([
    load(child.port, "/small", "-", SMALL_RATE, seconds),
    load(child.port, "/json-100k", accept, Number(values.rate), seconds),
  ]);
  return { small, large, busy: (cpuNs(child.tree) - beforeNs) / 1e9 / seconds };
}

function load(
  port: number,
  target: string,
  accept: string,
  rate: number,
  seconds: number,
): Promise<PacedResult> {
  const words = [LOAD, port, target, accept, rate, CONNECTIONS, seconds].map(String);
  const child = spawn(process.execPath, words, { stdio: ["ignore", "pipe", "inherit"] });
  return new Promise((resolve, reject) => {
    let text = "";
    child.stdout.on("data", (bytes) => {
      text += String(bytes);
    });
    child.on("error", reject);
    child.on("close", () => {
      if (text === "") reject(new Error("Cannot measure: the load has said nothing"));
      else resolve(JSON.parse(text) as PacedResult);
    });
  });
}

function tell(name: string, plain: readonly Slice[], coded: readonly Slice[]): void {
  const middle = (slices: readonly Slice[], key: "p50Ms" | "p99Ms" | "p999Ms") =>
    median(slices.map(({ small }) => small[key]));
  const both = (key: "p50Ms" | "p99Ms" | "p999Ms") =>
    `${middle(plain, key).toFixed(2)}, ${middle(coded, key).toFixed(2)}`;
  const ratio = (key: "p50Ms" | "p99Ms") =>
    median(coded.map(({ small }, round) => small[key] / plain[round]!.small[key])).toFixed(2);
  const busy = (slices: readonly Slice[]) => median(slices.map((each) => each.busy)).toFixed(2);
  const late = coded.reduce((sum, { large, small }) => sum + large.late + small.late, 0);
  const cells = [
    ...[name, both("p50Ms"), both("p99Ms"), both("p999Ms"), `${ratio("p50Ms")}, ${ratio("p99Ms")}`],
    ...[`${busy(plain)}, ${busy(coded)}`, late],
  ];
  console.log(`| ${cells.join(" | ")} |`);
}
