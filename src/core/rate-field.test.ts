import assert from "node:assert/strict";
import { test } from "node:test";
import { rate, rateText } from "./rate-field.ts";

// biome-ignore format: a table
const rows: [text: string, want: string | undefined, count?: number, perMs?: number][] = [
  ["100/s",       "100/s", 100, 1000],
  ["5/m",         "5/m", 5, 60_000],
  ["5000/h",      "5000/h", 5000, 3_600_000],
  ["1/d",         "1/d", 1, 86_400_000],
  ["20/10s",      "20/10s", 20, 10_000],
  ["20/60s",      "20/m", 20, 60_000],
  ["3/500ms",     "3/500ms", 3, 500],
  ["1000000/s",   "1000000/s", 1_000_000, 1000],
  ["1/365d",      "1/365d", 1, 365 * 86_400_000],
  ["1000001/s",   undefined],
  ["1/366d",      undefined],
  ["0/s",         undefined],
  ["5/0s",        undefined],
  ["-1/s",        undefined],
  ["1.5/s",       undefined],
  ["100",         undefined],
  ["100/",        undefined],
  ["100 / s",     undefined],
  ["100/second",  undefined],
  ["1e3/s",       undefined],
];

for (const [text, want, count, perMs] of rows) {
  test(`rate: ${text} is ${want ?? "refused"}`, () => {
    const parsed = rate.safeParse(text);

    assert.equal(parsed.success, want !== undefined);
    if (parsed.success) {
      assert.deepEqual(parsed.data, { count, perMs });
      assert.equal(rateText(parsed.data), want);
    }
  });
}
