import assert from "node:assert/strict";
import { test } from "node:test";
import {
  duration,
  durationAboveZero,
  durationAboveZeroOrOff,
  durationOrOff,
  durationText,
  listed,
  name,
  notYet,
  oneOf,
  shown,
  size,
  sizeBetween,
  sizeOrOff,
  sizeText,
  wholeNumber,
  type z,
} from "./fields.ts";

const REFUSED = "refused";

type Case = readonly [field: string, schema: z.ZodType, input: unknown, want: unknown];

// biome-ignore format: a table
const cases: readonly Case[] = [
  ["duration", duration, "500ms", 500],
  ["duration", duration, "1.5s", 1500],
  ["duration", duration, "5m", 300_000],
  ["duration", duration, "1h", 3_600_000],
  ["duration", duration, "365d", 31_536_000_000],
  ["duration", duration, "0s", 0],
  ["duration beyond a year", duration, "366d", REFUSED],
  ["duration without a unit", duration, "10", REFUSED],
  ["duration as a number", duration, 10, REFUSED],
  ["duration in weeks", duration, "1w", REFUSED],
  ["duration with a sign", duration, "-1s", REFUSED],
  ["duration with a space", duration, "1 s", REFUSED],
  ["duration with a newline", duration, "1s\n", REFUSED],
  ["duration of many digits", duration, `${"9".repeat(400)}s`, REFUSED],
  ["duration: off", duration, "off", REFUSED],
  ["durationOrOff", durationOrOff, "off", Number.POSITIVE_INFINITY],
  ["durationOrOff", durationOrOff, "1s", 1000],
  ["durationOrOff: false", durationOrOff, false, REFUSED],
  ["durationAboveZero", durationAboveZero, "1ms", 1],
  ["durationAboveZero: zero", durationAboveZero, "0ms", REFUSED],
  ["durationAboveZeroOrOff: zero", durationAboveZeroOrOff, "0s", REFUSED],
  ["durationAboveZeroOrOff: off", durationAboveZeroOrOff, "off", Number.POSITIVE_INFINITY],
  ["size", size, "64KiB", 65_536],
  ["size", size, "1GiB", 1_073_741_824],
  ["size", size, "10B", 10],
  ["size", size, "10", 10],
  ["size", size, 10, 10],
  ["size in decimal units", size, "64KB", REFUSED],
  ["size with a fraction", size, "1.5MiB", REFUSED],
  ["size with a fraction", size, 1.5, REFUSED],
  ["size below zero", size, -1, REFUSED],
  ["size beyond 2^53", size, "999999999999999GiB", REFUSED],
  ["sizeOrOff", sizeOrOff, "off", Number.POSITIVE_INFINITY],
  ["sizeBetween", sizeBetween(64, 128), "100B", 100],
  ["sizeBetween: too small", sizeBetween(64, 128), 63, REFUSED],
  ["sizeBetween: too large", sizeBetween(64, 128), "1KiB", REFUSED],
  ["wholeNumber", wholeNumber(1, 3), 3, 3],
  ["wholeNumber: a fraction", wholeNumber(1, 3), 2.5, REFUSED],
  ["wholeNumber: above", wholeNumber(1, 3), 4, REFUSED],
  ["wholeNumber: text", wholeNumber(1, 3), "2", REFUSED],
  ["wholeNumber: NaN", wholeNumber(1, 3), Number.NaN, REFUSED],
  ["name", name, "api-2.eu_1", "api-2.eu_1"],
  ["name with a space", name, "a b", REFUSED],
  ["name of a dot first", name, ".a", REFUSED],
  ["name of 65 characters", name, "a".repeat(65), REFUSED],
  ["name with a newline", name, "a\n", REFUSED],
  ["oneOf", oneOf(["a", "b"]), "b", "b"],
  ["oneOf: another word", oneOf(["a", "b"]), "c", REFUSED],
  ["notYet: absent", notYet("x"), undefined, undefined],
  ["notYet: present", notYet("x"), false, REFUSED],
];

for (const [field, schema, input, want] of cases) {
  test(`${field}: ${shown(input)} is ${String(want)}`, () => {
    const result = schema.safeParse(input);

    assert.equal(result.success ? result.data : REFUSED, want);
  });
}

test("fields: a refusal is one sentence with the wanted form and the value", () => {
  const messages = [
    duration.safeParse(10),
    durationOrOff.safeParse("x"),
    size.safeParse("1KB"),
    sizeBetween(0, 1024).safeParse("1MiB"),
    oneOf(["a", "b", "c"], ["d"]).safeParse("d"),
  ].map((result) => result.error?.issues[0]?.message);

  assert.deepEqual(messages, [
    'must be a duration such as "10s", got 10',
    'must be a duration such as "10s", or "off", got "x"',
    'must be a size such as "64KiB", got "1KB"',
    'must be a size from 0B to 1KiB such as "64KiB", got 1MiB',
    "d is not supported yet; must be a, b or c",
  ]);
});

test("shown: what is inside a map or a list stays out", () => {
  const values = [
    undefined,
    null,
    "x",
    { token: "secret" },
    ["secret"],
    [],
    () => 1,
    "y".repeat(99),
  ];

  assert.deepEqual(values.map(shown), [
    "nothing",
    "null",
    '"x"',
    "a map",
    "a list",
    "an empty list",
    "a function",
    `"${"y".repeat(56)}…`,
  ]);
});

test("listed, sizeText and durationText: as people write them", () => {
  assert.equal(listed([]), "");
  assert.equal(listed(["a", "b", "c"]), "a, b or c");
  assert.deepEqual([0, 100, 1024, 1536, 1 << 20].map(sizeText), [
    "0B",
    "100B",
    "1KiB",
    "1536B",
    "1MiB",
  ]);
  assert.deepEqual([1, 500, 75_000, 600_000].map(durationText), ["1ms", "500ms", "75s", "10m"]);
});
