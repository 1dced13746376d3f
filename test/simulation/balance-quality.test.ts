/**
 * How well each balancer does what it is for, in simulated time and from a seed: how even the load
 * is, what one slow endpoint does to everybody's latency, and for the hashes how many keys move when
 * an endpoint leaves or comes. A new balancer takes part by its name in BALANCERS.
 *
 * docs/balance-quality.md has the figures; UPDATE=1 writes them.
 */
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { BALANCERS, type BalancerName } from "../../src/upstream/balancers/named.ts";
import {
  type Fleet,
  type FleetOutcome,
  idleUpstream,
  ModelClock,
  runFleet,
} from "../support/queue-model.ts";

const PAGE = new URL("../../docs/balance-quality.md", import.meta.url);
const BEGIN = "<!-- measured: begin -->";
const END = "<!-- measured: end -->";
const COUNT = 10;
const KEYS = 20_000;

const even: Fleet = {
  seed: 1,
  weights: Array.from({ length: COUNT }, () => 1),
  meanMs: Array.from({ length: COUNT }, () => 10),
  slots: 8,
  requestsPerSecond: 3_000,
  seconds: 20,
  clients: 5_000,
};
const weighted: Fleet = { ...even, weights: [1, 1, 1, 1, 1, 2, 2, 2, 4, 5] };
const oneSlow: Fleet = { ...even, meanMs: [100, ...even.meanMs.slice(1)] };

interface Quality {
  readonly evenError: number; // the most that an endpoint's share is off, to what it should be
  readonly weightedError: number;
  readonly evenP99Ms: number;
  readonly slowShare: number; // of the requests, that the slow endpoint gets
  readonly slowP50Ms: number;
  readonly slowP99Ms: number;
  readonly moved: { readonly lost: number; readonly won: number } | undefined; // of the keys
}

interface Wanted {
  readonly evenError: number;
  readonly weightedError: number;
  readonly slowP99Ms: number;
}

// At most. What knows nothing of the endpoints cannot keep away from a slow one, whose queue then
// grows for as long as this lasts; a hash is as even as its keys, and "first" is not even at all.
const ANY = Number.POSITIVE_INFINITY;
// biome-ignore format: a table
const WANTED: Readonly<Record<string, Wanted>> = {
  leastRequest: { evenError: 0.03, weightedError: 0.12, slowP99Ms: 150 },
  leastTime:    { evenError: 0.15, weightedError: 0.30, slowP99Ms: 100 },
  roundRobin:   { evenError: 0.01, weightedError: 0.01, slowP99Ms: ANY },
  random:       { evenError: 0.05, weightedError: 0.08, slowP99Ms: ANY },
  ipHash:       { evenError: 0.20, weightedError: 0.25, slowP99Ms: ANY },
  hash:         { evenError: 0.20, weightedError: 0.25, slowP99Ms: ANY },
  first:        { evenError: ANY,  weightedError: ANY,  slowP99Ms: ANY },
};

const measured = new Map<BalancerName, Quality>();

for (const name of Object.keys(BALANCERS) as BalancerName[]) {
  test(`balance quality: ${name}`, () => {
    const quality = qualityOf(name);
    measured.set(name, quality);

    const wanted = WANTED[name];
    assert.ok(wanted !== undefined, "a balancer says here what it is held to");
    for (const key of ["evenError", "weightedError", "slowP99Ms"] as const) {
      assert.ok(quality[key] <= wanted[key], `${key} is ${quality[key]}, at most ${wanted[key]}`);
    }
    if (quality.moved === undefined) return;
    const least = { lost: 1 / COUNT, won: 1 / (COUNT + 1) };
    for (const change of ["lost", "won"] as const) {
      const share: number = quality.moved[change];
      assert.ok(share < least[change] * 1.3, `${change}: ${share}, at least ${least[change]}`);
    }
  });
}

test("balance quality: the same seed gives the same figures", () => {
  assert.deepEqual(runFleet("random", oneSlow), runFleet("random", oneSlow));
  assert.notDeepEqual(runFleet("random", oneSlow), runFleet("random", { ...oneSlow, seed: 2 }));
});

test("balance quality: the page shows what is measured", () => {
  const page = readFileSync(PAGE, "utf8");
  const [begin, end] = [page.indexOf(BEGIN) + BEGIN.length, page.indexOf(END)];
  const table = `\n\n${tableOf(measured)}\n\n`;

  if (process.env["UPDATE"] === "1") {
    writeFileSync(PAGE, page.slice(0, begin) + table + page.slice(end));
    return;
  }
  assert.equal(page.slice(begin, end), table, "UPDATE=1 writes it");
});

function qualityOf(name: BalancerName): Quality {
  const evenly = runFleet(name, even);
  const slow = runFleet(name, oneSlow);
  return {
    evenError: errorOf(evenly, even),
    weightedError: errorOf(runFleet(name, weighted), weighted),
    evenP99Ms: evenly.p99Ms,
    slowShare: slow.picks[0]! / sumOf(slow.picks),
    slowP50Ms: slow.p50Ms,
    slowP99Ms: slow.p99Ms,
    moved: movedBy(name),
  };
}

function errorOf({ picks }: FleetOutcome, { weights }: Fleet): number {
  const [all, total] = [sumOf(picks), sumOf(weights)];
  return Math.max(
    ...picks.map((count, place) => Math.abs(count / ((all * weights[place]!) / total) - 1)),
  );
}

function sumOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}

/** Of those that go by a key: how many keys are elsewhere with one endpoint less, or one more. */
function movedBy(name: BalancerName): Quality["moved"] {
  if (!/hash/i.test(name)) return undefined;
  const before = homes(name, COUNT);
  return {
    lost: shareMoved(before, homes(name, COUNT - 1)),
    won: shareMoved(before, homes(name, COUNT + 1)),
  };
}

function homes(name: BalancerName, count: number): readonly string[] {
  const upstream = idleUpstream(
    name,
    Array.from({ length: count }, () => 1),
    new ModelClock(),
  );
  return Array.from({ length: KEYS }, (_, key) => {
    const claim = upstream.claim({ hashKey: `key ${key}`, tried: [] })!;
    claim.release("served");
    return claim.endpoint.name;
  });
}

function shareMoved(before: readonly string[], after: readonly string[]): number {
  return before.filter((home, key) => home !== after[key]).length / before.length;
}

function tableOf(qualities: ReadonlyMap<BalancerName, Quality>): string {
  const percent = (share: number) => (share > 1 ? "–" : `${(share * 100).toFixed(1)} %`);
  const ms = (value: number) =>
    value < 1_000 ? `${value.toFixed(0)} ms` : `${(value / 1_000).toFixed(1)} s`;
  const head = [
    ...["balance", "error, even", "error, weighted", "p99, all alike"],
    ...["slow one's share", "p50, one slow", "p99, one slow", "keys moved: one less, one more"],
  ];
  const rows = [...qualities].map(([name, quality]) => [
    `\`${name}\``,
    ...[percent(quality.evenError), percent(quality.weightedError), ms(quality.evenP99Ms)],
    ...[percent(quality.slowShare), ms(quality.slowP50Ms), ms(quality.slowP99Ms)],
    quality.moved === undefined
      ? ""
      : `${percent(quality.moved.lost)}, ${percent(quality.moved.won)}`,
  ]);
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  return [line(head), `|${head.map(() => "---").join("|")}|`, ...rows.map(line)].join("\n");
}
