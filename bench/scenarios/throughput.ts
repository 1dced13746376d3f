import { cpuNs, memory } from "../machine/process-tree.ts";
import type { Options } from "../options.ts";
import { runH2load } from "../parts/h2load.ts";
import { type Load, type LoadErrors, type LoadResult, runWrk, sumErrors } from "../parts/wrk.ts";
import { median, type Ratio, ratioTo, type Slice } from "../report/statistics.ts";
import type { Entry } from "./entry.ts";
import {
  fieldsNotForwarded,
  type Remark,
  type Rig,
  type Runner,
  startField,
  wordsOf,
} from "./runner.ts";
import type { LoadScenario } from "./scenario.ts";

export interface LoadSlice extends Slice {
  readonly requests: number;
  readonly busy: number; // of its core, while it was loaded
  readonly rps: number;
  readonly p50Us: number;
  readonly p99Us: number;
  readonly errors: LoadErrors;
}

export interface LoadRow {
  readonly label: string;
  readonly cpuUs: number;
  readonly ratio: Ratio | undefined;
  readonly busy: number;
  readonly rps: number;
  readonly p50Us: number;
  readonly p99Us: number;
  readonly peakBytes: number;
  readonly errors: LoadErrors;
}

export interface LoadReport {
  readonly kind: "load";
  readonly scenario: string;
  readonly about: string;
  readonly base: string;
  readonly rows: readonly LoadRow[];
  readonly remarks: readonly Remark[];
  readonly slices: readonly LoadSlice[];
}

/** What is gathered while the starts go by. */
interface Tally {
  readonly scenario: LoadScenario;
  readonly options: Options;
  readonly slices: LoadSlice[];
  readonly remarks: Remark[];
  readonly peaks: Map<string, number>;
}

/** Fresh processes for every start, all alive at once, loaded in short turns. */
export async function measureLoad(
  scenario: LoadScenario,
  entries: readonly Entry[],
  rig: Rig,
  options: Options,
): Promise<LoadReport> {
  const tally: Tally = { scenario, options, slices: [], remarks: [], peaks: new Map() };
  for (let start = 0; start < options.starts; start++) {
    await using stack = new AsyncDisposableStack();
    const runners = await startField(entries, rig, tally.remarks);
    for (const runner of runners) stack.use(runner);
    const isHttp = scenario.field !== "streams"; // below it nobody tells the origin anything
    if (start === 0 && isHttp) await remarkOnLesserWork(runners, tally.remarks);
    await runRounds(start, runners, tally);
  }
  return report(entries, tally);
}

async function runRounds(start: number, field: readonly Runner[], tally: Tally): Promise<void> {
  const { options, scenario, remarks } = tally;
  for (const runner of field) await runLoad(scenario.load, runner.loadPort, options.warmupS);

  for (let round = 0; round < options.rounds; round++) {
    // Whoever comes first finds another machine than whoever comes last, so they swap places.
    const order = round % 2 === 0 ? field : field.toReversed();
    for (const runner of order) {
      if (isOut(runner, remarks)) continue;
      try {
        tally.slices.push(await measureSlice({ start, round }, runner, tally));
      } catch (failure) {
        remarks.push({ label: runner.entry.label, isOut: true, text: wordsOf(failure) });
      }
      runner.cutLog();
    }
  }

  for (const { entry, child } of field) {
    if (child.hasEnded) {
      const text = `ended while measured: ${child.lastWords()}`;
      remarks.push({ label: entry.label, isOut: true, text });
    }
    const { peakBytes } = memory(child.tree);
    tally.peaks.set(entry.label, Math.max(peakBytes, tally.peaks.get(entry.label) ?? 0));
  }
}

function isOut({ entry, child }: Runner, remarks: readonly Remark[]): boolean {
  return child.hasEnded || remarks.some(({ label, isOut }) => isOut && label === entry.label);
}

async function measureSlice(
  { start, round }: { readonly start: number; readonly round: number },
  { entry, child, loadPort }: Runner,
  { scenario, options }: Tally,
): Promise<LoadSlice> {
  const tree = child.tree;
  const beforeNs = cpuNs(tree);
  const result = await runLoad(scenario.load, loadPort, options.sliceS);
  const usedUs = (cpuNs(tree) - beforeNs) / 1_000;
  if (result.requests === 0) throw new Error("no request was answered in a whole slice");
  return {
    label: entry.label,
    start,
    round,
    cpuUs: usedUs / result.requests,
    requests: result.requests,
    busy: usedUs / result.durationUs,
    rps: result.requests / (result.durationUs / 1e6),
    p50Us: result.p50Us,
    p99Us: result.p99Us,
    errors: result.errors,
  };
}

/** Over HTTP/1 or HTTP/2, as the load says. */
export function runLoad(load: Load, port: number, seconds: number): Promise<LoadResult> {
  return load.streams === undefined ? runWrk(load, port, seconds) : runH2load(load, port, seconds);
}

async function remarkOnLesserWork(field: readonly Runner[], remarks: Remark[]): Promise<void> {
  for (const runner of field) {
    const lacking = await fieldsNotForwarded(runner);
    if (lacking.length === 0) continue;
    remarks.push({
      label: runner.entry.label,
      isOut: false,
      text: `does less, does not send: ${lacking.join(", ")}`,
    });
  }
}

function report(entries: readonly Entry[], tally: Tally): LoadReport {
  const { scenario, slices, remarks } = tally;
  const measured = entries.filter(({ label }) => slices.some((slice) => slice.label === label));
  const base = baseLabel(measured, tally.options.base);
  return {
    kind: "load",
    scenario: scenario.name,
    about: scenario.about,
    base,
    rows: measured.map(({ label }) => row(label, base, tally)),
    remarks,
    slices,
  };
}

/** The reference asked for, by its label or its first label; without it, whoever comes first. */
function baseLabel(measured: readonly Entry[], wanted: string): string {
  const exact = measured.find(({ label }) => label === wanted);
  const same = measured.find(({ contestant }) => contestant.name === wanted);
  return (exact ?? same ?? measured[0])?.label ?? wanted;
}

function row(label: string, base: string, { slices, peaks }: Tally): LoadRow {
  const own = slices.filter((slice) => slice.label === label);
  const middle = (value: (slice: LoadSlice) => number) => median(own.map(value));
  return {
    label,
    cpuUs: middle(({ cpuUs }) => cpuUs),
    ratio: ratioTo(base, label, slices),
    busy: middle(({ busy }) => busy),
    rps: middle(({ rps }) => rps),
    p50Us: middle(({ p50Us }) => p50Us),
    p99Us: middle(({ p99Us }) => p99Us),
    peakBytes: peaks.get(label) ?? 0,
    errors: sumErrors(own.map(({ errors }) => errors)),
  };
}
