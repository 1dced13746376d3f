/**
 * What an exchange costs in our own code: the whole engine over wires in memory, with no kernel and
 * no sockets of Node, in nanoseconds of CPU. Finer than run.ts where a change is to our JavaScript.
 *
 *     node bench/engine.ts [small|10k|connect] [--against DIR] [--no-log] [--rounds 60]
 */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { basename, join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { nodeFlagsOf } from "../tools/node-flags.ts";
import { buildSluice } from "./contestants/sluice.ts";
import { median } from "./report/statistics.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    against: { type: "string", multiple: true, default: [] },
    rounds: { type: "string", default: "60" },
    starts: { type: "string", default: "2" },
    "no-log": { type: "boolean", default: false },
  },
});
const [scenario = "small"] = positionals;
const SLICE_MS = 60; // short, so that some of them find the machine quiet
const WARMUP_SLICES = 25;
const REPOSITORY = join(import.meta.dirname, "..");

const roots = [REPOSITORY, ...values.against.map((folder) => resolve(folder))];
buildSluice(roots.slice(1));
const figures = new Map<string, number[]>(roots.map((root) => [root, []]));
const ratios = new Map<string, number[]>(roots.map((root) => [root, []]));

for (let start = 0; start < Number(values.starts); start++) {
  const programs = roots.map((root): [string, ChildProcess] => [root, startProgram(root)]);
  for (const [, program] of programs) await once(program, "message");
  for (const [, program] of programs) {
    for (let slice = 0; slice < WARMUP_SLICES; slice++) await sliceOf(program);
  }
  for (let round = 0; round < Number(values.rounds); round++) {
    const order = round % 2 === 0 ? programs : programs.toReversed();
    const costs = new Map<string, number>();
    for (const [root, program] of order) costs.set(root, await sliceOf(program));
    for (const [root, ns] of costs) {
      figures.get(root)!.push(ns);
      ratios.get(root)!.push(ns / costs.get(roots.at(-1)!)!);
    }
  }
  for (const [, program] of programs) program.disconnect();
}

for (const root of roots) {
  const all = figures.get(root)!;
  const least = Math.min(...all.filter((each) => each > 0)); // the scheduler may not have counted yet
  const ns = (value: number) => `${Math.round(value)}`.padStart(6);
  console.log(
    `${basename(root).padEnd(16)} ${ns(median(all))} ns an exchange, least ${ns(least)}, ` +
      `to ${basename(roots.at(-1)!)} ${median(ratios.get(root)!).toFixed(3)}`,
  );
}

function startProgram(root: string): ChildProcess {
  const log = values["no-log"] ? "off" : "/dev/null";
  return fork(join(import.meta.dirname, "engine/load.ts"), [root, scenario, log], {
    execArgv: [...nodeFlagsOf(REPOSITORY)],
  });
}

async function sliceOf(program: ChildProcess): Promise<number> {
  program.send(SLICE_MS);
  const [ns] = await once(program, "message");
  return ns as number;
}
