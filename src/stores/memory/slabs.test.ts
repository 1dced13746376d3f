import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { SLOT_BYTES_MAX, Slabs, slotAt, slotBytes } from "./slabs.ts";

test("Slabs: no two blocks share a byte, and all given back leaves no page", () => {
  const step = fc.record({
    size: fc.integer({ min: 1, max: SLOT_BYTES_MAX }),
    gives: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const slabs = new Slabs<number>(64 * 1024);
      const held: { block: number; size: number; mark: number }[] = [];
      for (const [mark, { size, gives }] of steps.entries()) {
        if (gives && held.length > 0) {
          const [gone] = held.splice(mark % held.length, 1);
          slabs.give(gone!.block);
          continue;
        }
        let block = slabs.take(size, mark);
        if (block < 0) {
          slabs.addPage(size);
          block = slabs.take(size, mark);
        }
        const { bytes, slotBytes } = slabs.pageOf(block);
        const at = slotAt(block, slotBytes);
        bytes.fill(mark % 251, at, at + size);
        held.push({ block, size, mark });
      }
      for (const { block, size, mark } of held) {
        const { bytes: page, slotBytes } = slabs.pageOf(block);
        const at = slotAt(block, slotBytes);
        const bytes = page.subarray(at, at + size);
        assert.ok(bytes.every((byte) => byte === mark % 251));
      }
      for (const { block } of held) slabs.give(block);
      assert.equal(slabs.bytes, 0);
    }),
    { numRuns: 50 },
  );
});

test("Slabs: the page with the least in it is the one to be emptied", () => {
  const slabs = new Slabs<string>(64 * 1024);
  slabs.addPage(1_000);
  const first = ["a", "b", "c"].map((owner) => slabs.take(1_000, owner));
  slabs.addPage(5_000);
  slabs.take(5_000, "d");
  slabs.give(first[0]!);
  slabs.give(first[1]!);

  assert.deepEqual(slabs.loneliest(), ["c"]);
});

test("slotBytes: no more than an eighth is lost, above the smallest", () => {
  for (let bytes = 128; bytes <= SLOT_BYTES_MAX; bytes += 37) {
    const slot = slotBytes(bytes);
    assert.ok(slot >= bytes && slot <= bytes * 1.14 + 8, `${bytes} ${slot}`);
  }
});
