import assert from "node:assert/strict";
import { test } from "node:test";
import type { Clock } from "../../base/world.ts";
import { daysOf, isTimeZone, minuteOf, type TimeOptions, TimeWindow } from "./time-window.ts";

function isOpen(options: Partial<TimeOptions>, time: string): boolean {
  const clock: Pick<Clock, "wallMs"> = { wallMs: () => Date.parse(time) };
  const all = { days: new Set([0, 1, 2, 3, 4, 5, 6]), fromMinute: 0, toMinute: 1_440, zone: "UTC" };
  return new TimeWindow({ ...all, ...options }, clock as Clock).isOpen();
}

const OFFICE = { days: new Set([0, 1, 2, 3, 4]), fromMinute: 8 * 60, toMinute: 18 * 60 };
const NIGHT = { days: new Set([4, 5]), fromMinute: 22 * 60, toMinute: 6 * 60 }; // Friday and Saturday
const BERLIN = { ...OFFICE, zone: "Europe/Berlin" };

// 23 November 2026 is a Monday.
// biome-ignore format: a table
const cases: [name: string, options: Partial<TimeOptions>, time: string, want: boolean][] = [
  ["in office hours",                      OFFICE, "2026-11-23T12:00:00Z", true],
  ["the first minute",                     OFFICE, "2026-11-23T08:00:00Z", true],
  ["the minute before",                    OFFICE, "2026-11-23T07:59:59Z", false],
  ["the last minute",                      OFFICE, "2026-11-23T17:59:59Z", true],
  ["the minute after",                     OFFICE, "2026-11-23T18:00:00Z", false],
  ["on Sunday",                            OFFICE, "2026-11-22T12:00:00Z", false],
  ["in the night that began on Friday",    NIGHT,  "2026-11-21T05:59:00Z", true],
  ["on Friday before it begins",           NIGHT,  "2026-11-20T21:59:00Z", false],
  ["on Friday when it has begun",          NIGHT,  "2026-11-20T22:00:00Z", true],
  ["on Sunday morning, begun on Saturday", NIGHT,  "2026-11-22T05:00:00Z", true],
  ["on Sunday night",                      NIGHT,  "2026-11-22T23:00:00Z", false],
  ["on Friday morning, begun on Thursday", NIGHT,  "2026-11-20T05:00:00Z", false],
  ["in winter in Berlin",                  BERLIN, "2026-11-23T07:00:00Z", true],
  ["an hour before that",                  BERLIN, "2026-11-23T06:59:00Z", false],
  ["in summer in Berlin",                  BERLIN, "2026-07-20T06:00:00Z", true],
  ["still Sunday in UTC",                  { ...BERLIN, fromMinute: 0, toMinute: 60 }, "2026-11-22T23:30:00Z", true],
  ["all day",                              {},     "2026-11-22T23:59:59Z", true],
];

for (const [name, options, time, want] of cases) {
  test(`TimeWindow: ${name}`, () => {
    assert.equal(isOpen(options, time), want);
  });
}

test("TimeWindow: opens when its minute comes, and is worked out once a minute", () => {
  let wallMs = Date.parse("2026-11-23T07:59:59Z");
  const window = new TimeWindow({ ...OFFICE, zone: "UTC" }, { wallMs: () => wallMs } as Clock);

  const before = window.isOpen();
  wallMs += 1_000;

  assert.deepEqual([before, window.isOpen(), window.isOpen()], [false, true, true]);
});

test("minuteOf, daysOf, isTimeZone: what is written, and what is not", () => {
  assert.deepEqual(["00:00", "24:00", "24:01", "8:00", "08:60", "x"].map(minuteOf), [
    0,
    1_440,
    undefined,
    undefined,
    undefined,
    undefined,
  ]);
  assert.deepEqual(daysOf("sat-mon"), [5, 6, 0]);
  assert.deepEqual(daysOf("Wed"), [2]);
  for (const text of ["", "monday", "mon-", "mon-tue-wed", "-"])
    assert.equal(daysOf(text), undefined, text);
  assert.deepEqual(["Europe/Berlin", "UTC", "Mars/Base"].map(isTimeZone), [true, true, false]);
});
