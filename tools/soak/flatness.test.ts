import assert from "node:assert/strict";
import { test } from "node:test";
import { judged, type Sample } from "./flatness.ts";

const MIB = 1024 * 1024;

function samples(of: (place: number) => Partial<Sample>): Sample[] {
  return Array.from({ length: 40 }, (_, place) => ({
    atMs: place,
    residentBytes: 100 * MIB,
    heapBytes: 20 * MIB,
    descriptors: 50,
    requests: place,
    ...of(place),
  }));
}

// biome-ignore format: a table
const rows: [name: string, of: (place: number) => Partial<Sample>, want: RegExp | undefined][] = [
  ["nothing changes",              () => ({}),                                                undefined],
  ["garbage comes and goes",       (place) => ({ heapBytes: (20 + 30 * (place % 3)) * MIB }), undefined],
  ["it grows while it warms up",   (place) => ({ heapBytes: (place < 10 ? 5 : 30) * MIB }),   undefined],
  ["the heap grows for ever",      (place) => ({ heapBytes: (20 + place) * MIB }),            /^heap MiB went from 30\.0 to 50\.0$/],
  ["memory outside of the heap",   (place) => ({ residentBytes: (100 + 3 * place) * MIB }),   /^resident MiB/],
  ["descriptors are not given back", (place) => ({ descriptors: 50 + 2 * place }),            /^descriptors/],
];

for (const [name, of, want] of rows) {
  test(`judged: ${name}`, () => {
    const findings = judged(samples(of));

    if (want === undefined) assert.deepEqual(findings, []);
    else assert.match(findings.join("\n"), want);
  });
}

test("judged: a handful of samples says nothing", () => {
  assert.match(judged(samples(() => ({})).slice(0, 8)).join(""), /too few/);
});
