/**
 * Where the time of one scenario goes: loads one contestant on Node under `--cpu-prof` and prints
 * self times by function and by module.
 *
 *     node bench/profile.ts [scenario] [--of sluice] [--seconds 5] [--top 40] [--keep DIR]
 */
import { copyFileSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { stopChildrenOnExit } from "./machine/child.ts";
import { moveToLoadCore, WorkFolder, whyNotHere } from "./machine/place.ts";
import { cpuNs } from "./machine/process-tree.ts";
import { startOrigin } from "./parts/origin.ts";
import type { LoadResult } from "./parts/wrk.ts";
import {
  type CpuProfile,
  type SelfTimes,
  type Share,
  selfTimes,
  type Window,
} from "./profile/cpu-profile.ts";
import { type Entry, entriesOf } from "./scenarios/entry.ts";
import { startRunner, wordsOf } from "./scenarios/runner.ts";
import { type LoadScenario, scenarioNamed } from "./scenarios/scenario.ts";
import { runLoad } from "./scenarios/throughput.ts";

interface Wanted {
  readonly scenario: LoadScenario;
  readonly entry: Entry;
  readonly seconds: number;
  readonly top: number;
  readonly nodeFlags: readonly string[];
  readonly keep: string | undefined;
}

interface Measured {
  readonly result: LoadResult;
  readonly cpuUs: number;
  readonly window: Window;
}

const REPOSITORY = join(import.meta.dirname, "..");
const WARMUP_S = 3;
const INTERVAL_US = 250;
const WRITE_MS = 20_000; // the profile is written while the process ends

try {
  await main(wanted(process.argv.slice(2)));
} catch (failure) {
  console.error(wordsOf(failure));
  process.exitCode = 2;
}

async function main(what: Wanted): Promise<void> {
  const obstacle = whyNotHere() ?? what.entry.contestant.missing();
  if (obstacle !== undefined) throw new Error(`Cannot profile ${what.entry.label}: ${obstacle}`);
  moveToLoadCore();
  stopChildrenOnExit();

  using folder = new WorkFolder();
  const profileFolder = join(folder.path, "profiles");
  const measured = await loadUnderProfile(what, folder.path, profileFolder);
  const profiles = readProfiles(profileFolder, what.keep);
  print(what, measured, selfTimes(profiles, measured.window, REPOSITORY));
}

async function loadUnderProfile(
  { entry, scenario, seconds, nodeFlags }: Wanted,
  folder: string,
  profileFolder: string,
): Promise<Measured> {
  await using origin = await startOrigin(folder);
  const profiling = ["--cpu-prof", `--cpu-prof-dir=${profileFolder}`];
  const flags = [...nodeFlags, ...profiling, `--cpu-prof-interval=${INTERVAL_US}`];
  const rig = { folder, originPort: origin.port, nodeFlags: flags };
  await using runner = await startRunner(entry, rig);
  const { child, loadPort } = runner;
  await runLoad(scenario.load, loadPort, WARMUP_S);

  const beforeNs = cpuNs(child.tree);
  const fromUs = monotonicUs();
  const result = await runLoad(scenario.load, loadPort, seconds);
  const window = { fromUs, toUs: monotonicUs() };
  const cpuUs = (cpuNs(child.tree) - beforeNs) / 1_000;

  await child.stop(WRITE_MS);
  return { result, cpuUs, window };
}

/** The clock that V8 stamps its samples with. */
function monotonicUs(): number {
  return Number(process.hrtime.bigint() / 1_000n);
}

/** One file per thread. */
function readProfiles(folder: string, keep: string | undefined): readonly CpuProfile[] {
  mkdirSync(folder, { recursive: true });
  const names = readdirSync(folder);
  if (names.length === 0) throw new Error("Cannot read the profile: the process wrote none");
  if (keep !== undefined) {
    mkdirSync(keep, { recursive: true });
    for (const name of names) copyFileSync(join(folder, name), join(keep, name));
  }
  return names.map((name) => JSON.parse(readFileSync(join(folder, name), "utf8")) as CpuProfile);
}

function print(what: Wanted, { result, cpuUs }: Measured, times: SelfTimes): void {
  const { requests, durationUs, errors } = result;
  const failed = Object.values(errors).reduce((sum, count) => sum + count, 0);
  console.log(
    `${what.entry.label}, ${what.scenario.name}: ${requests} requests in ${(durationUs / 1e6).toFixed(1)} s, ` +
      `${(cpuUs / requests).toFixed(1)} µs of CPU each (profiler included), ${failed} errors\n`,
  );
  console.log("  self   µs/req  function");
  printShares(times.functions.slice(0, what.top), times.busyUs, requests);
  console.log("\n  self   µs/req  module");
  printShares(times.modules, times.busyUs, requests);
}

function printShares(shares: readonly Share[], busyUs: number, requests: number): void {
  for (const { name, selfUs } of shares) {
    const percent = ((selfUs / busyUs) * 100).toFixed(1).padStart(5);
    const each = (selfUs / requests).toFixed(2).padStart(7);
    console.log(`${percent}% ${each}  ${name}`);
  }
}

function wanted(parameters: readonly string[]): Wanted {
  const { values, positionals } = parseArgs({
    args: [...parameters],
    allowPositionals: true,
    options: {
      of: { type: "string", default: "sluice" },
      seconds: { type: "string", default: "5" },
      top: { type: "string", default: "40" },
      "node-flags": { type: "string", default: "" },
      keep: { type: "string" },
    },
  });
  const scenario = scenarioNamed(positionals[0] ?? "small");
  if (scenario?.kind !== "load") throw new Error("Cannot profile: must be a scenario with load");
  return {
    scenario,
    entry: entryOf(scenario, values.of),
    seconds: Number(values.seconds),
    top: Number(values.top),
    nodeFlags: values["node-flags"].split(" ").filter((flag) => flag !== ""),
    keep: values.keep,
  };
}

/** By label, or the last of the contestant's: of the `sites` scenario, the larger fleet. */
function entryOf(scenario: LoadScenario, name: string): Entry {
  const bare = name.replace(/ \(.*\)$/, "");
  const entries = entriesOf(scenario.field, { only: [bare], against: [] });
  const entry =
    entries.find(({ label }) => label === name) ?? (name === bare ? entries.at(-1) : undefined);
  if (entry?.contestant.runsOnNode !== true) {
    throw new Error(`Cannot profile ${name}: must be a contestant on Node that is in the scenario`);
  }
  return entry;
}
