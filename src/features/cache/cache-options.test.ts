import assert from "node:assert/strict";
import { test } from "node:test";
import { type CacheOptions, cacheSchema } from "./cache-options.ts";

// biome-ignore format: a table
const taken: readonly [options: unknown, want: Partial<CacheOptions>][] = [
  ["on",                                         { defaultMs: undefined, ifErrorMs: 300_000, coalesceMs: 5_000 }],
  ["60s",                                        { defaultMs: 60_000 }],
  [{},                                           { guesses: false, tellsStatus: true, storesSetCookie: false }],
  [{ default: "60s", staleWhileRevalidate: "30s" }, { defaultMs: 60_000, whileRevalidateMs: 30_000 }],
  [{ staleIfError: "off", coalesce: "off" },     { ifErrorMs: 0, coalesceMs: 0 }],
  [{ ttl: { 404: "10s", "5xx": "1s" } },         { ttlMs: new Map([[404, 10_000], [5, 1_000]]) }],
  [{ key: { query: "none" } },                   { query: { kind: "only", names: [] } }],
  [{ key: { query: { only: ["a"] } } },          { query: { kind: "only", names: ["a"] } }],
  [{ key: { query: { without: ["utm"] } } },     { query: { kind: "without", names: ["utm"] } }],
  [{ key: { headers: ["X-B", "X-A"] } },         { keyHeaders: ["x-a", "x-b"] }],
  [{ maxObject: "1MiB", maxTtl: "1h" },          { objectBytesMax: 1_048_576, maxTtlMs: 3_600_000 }],
];
for (const [options, want] of taken) {
  test(`cache: takes ${JSON.stringify(options)}`, () => {
    const parsed = cacheSchema.parse(options);

    for (const [key, value] of Object.entries(want)) {
      assert.deepEqual(parsed[key as keyof CacheOptions], value, key);
    }
  });
}

// biome-ignore format: a table
const refused: readonly unknown[] = [
  "", "yes", true, 60, [], { default: 60 }, { default: "0s" }, { ttl: { 304: "1s" } }, { ttl: { 206: "1s" } }, { ttl: { 100: "1s" } },
  { ttl: { "4x": "1s" } }, { key: { query: {} } }, { key: { query: { only: ["a"], without: ["b"] } } }, { key: { query: ["a"] } },
  { key: { headers: ["not a name"] } }, { bypass: { cookies: ["a b"] } }, { bypass: ["x"] }, { setCookie: true }, { maxObject: "big" },
  { unknown: 1 },
];
for (const options of refused) {
  test(`cache: refuses ${JSON.stringify(options)}`, () => {
    assert.equal(cacheSchema.safeParse(options).success, false);
  });
}
