/**
 * What a second worker adds where there is a core for it.
 *
 *     node bench/workers.ts [--rounds 5] [--seconds 2]
 *
 * The machine has two cores, and the load generator needs its part of them. So the work is such that
 * next to all of it is ours: requests with forty header fields, sixteen in one write, held against
 * ten routes and answered in place. Sluice with one worker and Sluice with two are loaded in turn,
 * on all cores.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { buildSluice, sluiceCommand } from "./contestants/sluice.ts";
import { Child, stopChildrenOnExit } from "./machine/child.ts";
import { freePort } from "./machine/free-port.ts";
import { describeMachine, WorkFolder, whyNotHere } from "./machine/place.ts";
import { cpuNs } from "./machine/process-tree.ts";
import { LONG_HEAD } from "./parts/request-heads.ts";
import { type Load, runWrk } from "./parts/wrk.ts";
import { median } from "./report/statistics.ts";
import { wordsOf } from "./scenarios/runner.ts";

const LOAD: Load = {
  target: "/",
  connections: 64,
  headers: LONG_HEAD,
  script: ["pipelined", "16"],
};
const OTHER_ROUTES = 10;
const WARMUP_S = 4;
const READY_MS = 10_000;

interface Slice {
  readonly perSecond: number;
  readonly cpuUs: number; // of Sluice, per request
}

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "5" },
    seconds: { type: "string", default: "2" },
  },
});

try {
  const obstacle = whyNotHere();
  if (obstacle !== undefined) throw new Error(`Cannot measure here: ${obstacle}`);
  await main(Number(values.rounds), Number(values.seconds));
} catch (failure) {
  console.error(wordsOf(failure));
  process.exitCode = 2;
}

async function main(rounds: number, seconds: number): Promise<void> {
  buildSluice([]);
  stopChildrenOnExit();
  using folder = new WorkFolder();
  await using one = await start(folder.path, 1);
  await using two = await start(folder.path, 2);
  for (const child of [one, two]) await runWrk(LOAD, child.port, WARMUP_S);

  const ones: Slice[] = [];
  const twos: Slice[] = [];
  for (let round = 0; round < rounds; round++) {
    ones.push(await slice(one, seconds));
    twos.push(await slice(two, seconds));
  }
  tell(ones, twos);
}

async function start(folder: string, workers: number): Promise<Child> {
  const port = await freePort();
  const path = join(folder, `${workers}.yaml`);
  const others = Array.from({ length: OTHER_ROUTES }, (_, index) => ({
    match: { header: { "x-app-field-20": `not-${index}` } },
    respond: { status: 404 },
  }));
  const site = {
    hosts: ["*"],
    listen: [`127.0.0.1:${port}`],
    routes: [...others, { respond: { status: 200, body: "ok" } }],
  };
  writeFileSync(
    path,
    JSON.stringify({ workers, admin: "off", log: { access: "off" }, sites: [site] }),
  );
  const child = new Child({
    name: `sluice with ${workers}`,
    command: sluiceCommand(path),
    cores: "0-1",
    port,
    outputPath: join(folder, `${workers}.out`),
    errorPath: join(folder, `${workers}.err`),
  });
  await child.ready(READY_MS);
  return child;
}

async function slice(child: Child, seconds: number): Promise<Slice> {
  const beforeNs = cpuNs(child.tree);
  const { requests, durationUs } = await runWrk(LOAD, child.port, seconds);
  const cpuUs = (cpuNs(child.tree) - beforeNs) / 1000 / requests;
  return { perSecond: (requests / durationUs) * 1e6, cpuUs };
}

function tell(ones: readonly Slice[], twos: readonly Slice[]): void {
  const { processor, cores } = describeMachine();
  console.log(`${processor}, ${cores} cores\n`);
  console.log("| workers | requests/s | µs of CPU/request |");
  console.log("|---------|-----------:|------------------:|");
  for (const [name, slices] of [
    ["1", ones],
    ["2", twos],
  ] as const) {
    const perSecond = median(slices.map((each) => each.perSecond));
    const cpuUs = median(slices.map((each) => each.cpuUs));
    console.log(
      `| ${name.padEnd(7)} | ${perSecond.toFixed(0).padStart(10)} | ${cpuUs.toFixed(2).padStart(17)} |`,
    );
  }
  const ratios = ones.map(({ perSecond }, round) => twos[round]!.perSecond / perSecond);
  const [least, most] = [Math.min(...ratios), Math.max(...ratios)];
  console.log(
    `\ntwo to one: ${median(ratios).toFixed(2)} (${least.toFixed(2)}-${most.toFixed(2)})`,
  );
}
