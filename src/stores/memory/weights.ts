/** What things take of the budget. */
import type { CodedBody } from "./coded-body.ts";
import type { Layout, MemoryEntry } from "./memory-entry.ts";
import { SLOT_BYTES_MAX, slotBytes } from "./slabs.ts";

// What an entry takes on the heap beside its URL: its object, its place in the map (which has up to
// twice the places that it needs) and in its page, its URL's head. bench/cache-overhead.ts has it.
export const OVERHEAD_BYTES = 210;
/** What a body in another coding takes beside its bytes: three objects, and Buffers for its bytes. */
export const CODED_OVERHEAD_BYTES = 400;

export function weightOf(entry: MemoryEntry, { blockBytes }: Layout): number {
  let weight = OVERHEAD_BYTES + entry.url.length + blockWeight(blockBytes) + entry.looseBytes;
  for (const coded of entry.codedBodies) weight += codedWeight(coded) - coded.looseBytes;
  return weight;
}

export function codedWeight({ block, bodyBytes }: Pick<CodedBody, "block" | "bodyBytes">): number {
  return CODED_OVERHEAD_BYTES + (block >= 0 ? slotBytes(bodyBytes) : bodyBytes);
}

function blockWeight(bytes: number): number {
  return bytes > SLOT_BYTES_MAX ? bytes : slotBytes(bytes);
}
