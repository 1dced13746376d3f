/**
 * An upstream under more load than it bears, with a limit on its concurrency and without: in simulated
 * time, from a seed. docs/concurrency.md has the figures; UPDATE=1 writes them.
 */
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import {
  type OverloadShape,
  runOverload,
  type Second,
  type ServerShape,
  sumOf,
} from "../support/overload-model.ts";

const PAGE = new URL("../../docs/concurrency.md", import.meta.url);
const BEGIN = "<!-- measured: begin -->";
const END = "<!-- measured: end -->";

// Bears 400 requests a second, and loses time to having many as soon as there are more than 32.
const server: ServerShape = { cores: 8, workMs: 20, knee: 32 };
const BEARS = 400;
const bounds = { min: 4, max: 1_000 };
const queue = { max: 100, timeoutMs: 5_000, perSecond: Number.POSITIVE_INFINITY };
const usual: OverloadShape = {
  servers: 1,
  server,
  perSecond: BEARS * 0.7,
  seconds: 60,
  patienceMs: 2_000,
  concurrency: bounds,
};
const surge: OverloadShape = {
  ...usual,
  turns: [
    { atS: 15, perSecond: BEARS * 3 },
    { atS: 40, perSecond: BEARS * 0.7 },
  ],
};
const SEEDS = [1, 2, 3];

/** Of the requests that came in those seconds, or of what could have been served of them. */
function goodShare(seconds: readonly Second[], servers = 1): number {
  const could = Math.min(sumOf(seconds, "arrived"), BEARS * servers * seconds.length);
  return sumOf(seconds, "good") / could;
}

function overload(name: string, shape: OverloadShape, check: (seconds: readonly Second[]) => void) {
  for (const seed of SEEDS) {
    test(`overload: ${name}, seed ${seed}`, () => check(runOverload({ ...shape, seed })));
  }
}

overload("at three times what it bears, all that it bears is served", surge, (seconds) => {
  const [during, after] = [seconds.slice(20, 40), seconds.slice(45)];

  assert.ok(goodShare(during) > 0.88, `${goodShare(during)}`);
  assert.ok(during.filter(({ p50Ms }) => p50Ms < 60).length > during.length / 2);
  const left = sumOf(during, "left");
  assert.ok(left < 0.01 * sumOf(during, "good"), "whoever is let in is served in time");
  assert.ok(goodShare(after) > 0.98, "and everybody, when it is over");
  assert.ok(sumOf(after, "refused") < 0.005 * sumOf(after, "arrived"));
});

overload(
  "without a limit it serves nobody, and does not recover when it is over",
  { ...surge, concurrency: undefined },
  (seconds) => {
    assert.ok(goodShare(seconds.slice(20, 40)) < 0.01);
    assert.ok(goodShare(seconds.slice(45)) < 0.01, "its work is for clients who have left");
  },
);

overload(
  "for a long time, from the start: what is normal does not drift",
  { ...usual, perSecond: BEARS * 3, seconds: 300 },
  (seconds) => {
    const [early, late] = [seconds.slice(20, 80), seconds.slice(240)];

    assert.ok(goodShare(late) > 0.9, `${goodShare(late)}`);
    assert.ok(goodShare(late) > goodShare(early) - 0.05);
    assert.ok(late.every(({ limits }) => limits[0]! <= 48));
  },
);

overload(
  "well below what it bears nobody is refused, but for a moment of bad luck",
  { ...usual, seconds: 120 },
  (seconds) => {
    assert.ok(sumOf(seconds, "refused") < 0.001 * sumOf(seconds, "arrived"));
  },
);

overload(
  "close to what it bears hardly anybody is refused",
  { ...usual, perSecond: BEARS * 0.9, seconds: 120 },
  (seconds) => assert.ok(sumOf(seconds, "refused") < 0.03 * sumOf(seconds, "arrived")),
);

overload(
  "low traffic does not collapse the limit",
  { ...usual, perSecond: 2, seconds: 600 },
  (seconds) => {
    assert.ok(seconds.every(({ limits }) => limits[0]! >= 20));
    assert.equal(sumOf(seconds, "refused"), 0);
  },
);

overload(
  "bursts wait in the queue",
  {
    ...usual,
    perSecond: 100,
    queue,
    turns: [10, 20, 30, 40].flatMap((atS) => [
      { atS, perSecond: BEARS },
      { atS: atS + 1, perSecond: 100 },
    ]),
  },
  (seconds) => {
    assert.equal(sumOf(seconds, "refused"), 0);
    assert.equal(sumOf(seconds, "left"), 0);
  },
);

const wide: ServerShape = { cores: 64, workMs: 20 };

overload(
  "a service that is slower now, and still bears it, is not throttled for long",
  {
    ...usual,
    server: wide,
    perSecond: 800,
    turns: [{ atS: 15, server: { ...wide, workMs: 60 } }],
  },
  (seconds) => {
    assert.equal(sumOf(seconds.slice(30), "refused"), 0);
    assert.ok(goodShare(seconds.slice(30), 8) > 0.98);
  },
);

overload(
  "a service that grows slower day by day is not throttled at all",
  {
    ...usual,
    server: wide,
    perSecond: 300,
    seconds: 130,
    turns: Array.from({ length: 100 }, (_, step) => {
      return { atS: 20 + step, server: { ...wide, workMs: 20 + step } };
    }),
  },
  (seconds) => assert.ok(sumOf(seconds, "refused") < 0.01 * sumOf(seconds, "arrived")),
);

overload(
  "an endpoint that hangs fills its own limit, and the others serve",
  {
    ...usual,
    servers: 4,
    balance: "roundRobin",
    perSecond: BEARS * 2.4, // 0.8 of what the other three bear
    seconds: 60,
    patienceMs: 10_000,
    turns: [{ atS: 20, lost: 2 }],
  },
  (seconds) => {
    const after = seconds.slice(35);
    assert.ok(sumOf(after, "good") > 0.97 * sumOf(after, "arrived"));
    assert.equal(sumOf(after, "refused"), 0);
  },
);

overload(
  "one of four is lost, and what is left is overloaded: it serves what it bears",
  {
    ...usual,
    servers: 4,
    perSecond: BEARS * 3.6,
    turns: [
      { atS: 20, lost: 2 },
      { atS: 20, server },
    ],
  },
  (seconds) => assert.ok(goodShare(seconds.slice(35), 3) > 0.85),
);

const CASES: readonly (readonly [name: string, shape: OverloadShape])[] = [
  ["no limit", { ...surge, concurrency: undefined }],
  ["`concurrency: {}`, `queue: off`", surge],
  ["`concurrency: {}`", { ...surge, queue }],
];

test("overload: the page shows what is measured", () => {
  const rows = CASES.map(([name, shape]) => rowOf(name, shape));
  const head = [
    ...["", "served in time, of 400/s", "refused at once", "left after 2 s"],
    ...["median", "p99", "served afterwards"],
  ];
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  const table = `\n\n${[line(head), `|${head.map(() => "---").join("|")}|`, ...rows.map(line)].join("\n")}\n\n`;
  const page = readFileSync(PAGE, "utf8");
  const [begin, end] = [page.indexOf(BEGIN) + BEGIN.length, page.indexOf(END)];

  if (process.env["UPDATE"] === "1") {
    writeFileSync(PAGE, page.slice(0, begin) + table + page.slice(end));
    return;
  }
  assert.equal(page.slice(begin, end), table, "UPDATE=1 writes it");
});

function rowOf(name: string, shape: OverloadShape): readonly string[] {
  const seconds = runOverload(shape);
  const [during, after] = [seconds.slice(20, 40), seconds.slice(45)];
  const perSecond = (key: "good" | "refused" | "left") =>
    `${Math.round(sumOf(during, key) / during.length)}/s`;
  const typical = (key: "p50Ms" | "p99Ms") => {
    const sorted = during.map((second) => second[key]).toSorted((a, b) => a - b);
    const ms = sorted[Math.floor(sorted.length / 2)]!;
    return ms === 0 ? "–" : `${ms} ms`;
  };
  return [
    ...[name, perSecond("good"), perSecond("refused"), perSecond("left")],
    ...[typical("p50Ms"), typical("p99Ms"), `${Math.round(goodShare(after) * 100)} %`],
  ];
}
