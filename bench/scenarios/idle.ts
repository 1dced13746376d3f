import { fork } from "node:child_process";
import { once } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { memory } from "../machine/process-tree.ts";
import type { Options } from "../options.ts";
import { BROWSER_HEAD } from "../parts/request-heads.ts";
import { runWrk } from "../parts/wrk.ts";
import { median } from "../report/statistics.ts";
import type { Entry } from "./entry.ts";
import type { Order, Outcome } from "./idle-clients.ts";
import { type Remark, type Rig, type Runner, startRunner, whoIsIn, wordsOf } from "./runner.ts";
import type { OtherScenario } from "./scenario.ts";

export interface IdleRow {
  readonly label: string;
  readonly beforeBytes: number; // resident, after warm-up
  readonly idleBytes: number; // per connection that never sent anything
  readonly askedBytes: number; // per connection that was kept after one request
  readonly lost: number; // connections that were not there at the end, or not answered
}

export interface IdleReport {
  readonly kind: "idle";
  readonly scenario: string;
  readonly about: string;
  readonly connections: number;
  readonly rows: readonly IdleRow[];
  readonly remarks: readonly Remark[];
}

const CLIENTS = fileURLToPath(new URL("idle-clients.ts", import.meta.url));
const COLLECTOR = fileURLToPath(new URL("../machine/collect-on-signal.ts", import.meta.url));
const COLLECT_FLAGS = ["--expose-gc", "--import", COLLECTOR];
const SETTLE_MS = 1_500;

/** One contestant at a time: twenty thousand descriptors are all that many machines give. */
export async function measureIdle(
  scenario: OtherScenario,
  entries: readonly Entry[],
  rig: Rig,
  options: Options,
): Promise<IdleReport> {
  const remarks: Remark[] = [];
  const samples: IdleRow[] = [];
  for (let start = 0; start < options.starts; start++) {
    for (const entry of whoIsIn(entries, remarks)) {
      try {
        samples.push(await measureOne(entry, rig, options));
      } catch (failure) {
        remarks.push({ label: entry.label, isOut: true, text: wordsOf(failure) });
      }
    }
  }
  const measured = entries.filter(({ label }) => samples.some((row) => row.label === label));
  return {
    kind: "idle",
    scenario: scenario.name,
    about: scenario.about,
    connections: options.idleConnections,
    rows: measured.map(({ label }) => middleRow(samples.filter((row) => row.label === label))),
    remarks,
  };
}

async function measureOne(entry: Entry, rig: Rig, options: Options): Promise<IdleRow> {
  const { idleConnections: count } = options;
  await using runner = await startRunner(entry, rig, COLLECT_FLAGS);
  const { loadPort: port } = runner;
  const { isTls = false } = entry;
  const load = { target: "/small", connections: 64, headers: BROWSER_HEAD, script: ["get"], isTls };
  await runWrk(load, port, options.warmupS);
  const beforeBytes = await settledBytes(runner);

  await using clients = new Clients();
  const opened = await clients.obey({ kind: "open", port, count, isTls });
  const idleBytes = ((await settledBytes(runner)) - beforeBytes) / count;

  const asked = await clients.obey({ kind: "ask" });
  const askedBytes = ((await settledBytes(runner)) - beforeBytes) / count;

  const lost = Math.max(count - opened.open, count - asked.open, count - asked.answered);
  return { label: entry.label, beforeBytes, idleBytes, askedBytes, lost };
}

/** Resident memory once nothing moves any more, garbage collected where we can ask for it. */
async function settledBytes({ entry, child }: Runner): Promise<number> {
  await delay(SETTLE_MS);
  if (entry.contestant.runsOnNode) {
    child.signal("SIGURG");
    await delay(SETTLE_MS);
  }
  return memory(child.tree).residentBytes;
}

/** The process of idle-clients.ts. */
class Clients implements AsyncDisposable {
  readonly #process = fork(CLIENTS, { stdio: ["ignore", "inherit", "inherit", "ipc"] });

  async obey(order: Order): Promise<Outcome> {
    const outcome = once(this.#process, "message");
    this.#process.send(order);
    const [answer] = await outcome;
    return answer as Outcome; // the one thing that idle-clients.ts sends
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ended = once(this.#process, "exit");
    this.#process.kill("SIGKILL");
    await ended;
  }
}

function middleRow(samples: readonly IdleRow[]): IdleRow {
  return {
    label: samples[0]!.label, // every measured entry has a sample
    beforeBytes: median(samples.map(({ beforeBytes }) => beforeBytes)),
    idleBytes: median(samples.map(({ idleBytes }) => idleBytes)),
    askedBytes: median(samples.map(({ askedBytes }) => askedBytes)),
    lost: Math.max(...samples.map(({ lost }) => lost)),
  };
}
