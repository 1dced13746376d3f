import { median } from "../report/statistics.ts";
import type { Entry } from "./entry.ts";
import { type Remark, type Rig, spawnRunner, whoIsIn, wordsOf } from "./runner.ts";
import type { OtherScenario } from "./scenario.ts";

export interface StartRow {
  readonly label: string;
  readonly middleMs: number;
  readonly leastMs: number;
  readonly mostMs: number;
}

export interface StartReport {
  readonly kind: "start";
  readonly scenario: string;
  readonly about: string;
  readonly rows: readonly StartRow[];
  readonly remarks: readonly Remark[];
}

const SAMPLES = 10;
const READY_MS = 10_000;

/** In turn, so that a busy moment of the machine meets everybody. */
export async function measureStart(
  scenario: OtherScenario,
  entries: readonly Entry[],
  rig: Rig,
): Promise<StartReport> {
  const remarks: Remark[] = [];
  const samplesOf = new Map<string, number[]>();
  for (let sample = 0; sample < SAMPLES; sample++) {
    for (const entry of whoIsIn(entries, remarks)) {
      try {
        const samples = samplesOf.get(entry.label) ?? [];
        samplesOf.set(entry.label, [...samples, await timeToAnswer(entry, rig)]);
      } catch (failure) {
        remarks.push({ label: entry.label, isOut: true, text: wordsOf(failure) });
      }
    }
  }
  const rows = [...samplesOf].map(([label, samples]) => row(label, samples));
  return { kind: "start", scenario: scenario.name, about: scenario.about, rows, remarks };
}

async function timeToAnswer(entry: Entry, rig: Rig): Promise<number> {
  await using runner = await spawnRunner(entry, rig);
  return await runner.child.ready(READY_MS);
}

function row(label: string, samples: readonly number[]): StartRow {
  return {
    label,
    middleMs: median(samples),
    leastMs: Math.min(...samples),
    mostMs: Math.max(...samples),
  };
}
