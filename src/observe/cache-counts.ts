import type { SharedBank } from "./metric-bank.ts";
import * as cell from "./metrics.ts";

/** What the caches of all threads hold. */
export interface CacheCounts {
  readonly memoryBytes: number;
  readonly memoryObjects: number;
  readonly diskBytes: number;
  readonly diskObjects: number;
  readonly diskErrors: number;
}

export function cacheCountsIn(banks: readonly SharedBank[]): CacheCounts {
  const sum = (index: number) =>
    banks.reduce((count, bank) => count + cell.threadCellIn(bank, index), 0);
  return {
    memoryBytes: sum(cell.CACHE_BYTES),
    memoryObjects: sum(cell.CACHE_OBJECTS),
    diskBytes: sum(cell.CACHE_DISK_BYTES),
    diskObjects: sum(cell.CACHE_DISK_OBJECTS),
    diskErrors: sum(cell.CACHE_DISK_ERRORS),
  };
}
