import { totalmem } from "node:os";
import { getHeapStatistics } from "node:v8";

/**
 * How much of the memory that this process may have it has, or this thread's heap of its own: whichever
 * is nearer to its end. The limit is that of the control group, where there is one.
 */
export function memoryShare(): number {
  const { used_heap_size: used, heap_size_limit: limit } = getHeapStatistics();
  return Math.max(process.memoryUsage.rss() / mayHave(), used / limit);
}

let mostBytes = 0;

function mayHave(): number {
  if (mostBytes > 0) return mostBytes;
  const ofMachine = totalmem();
  const ofGroup = process.constrainedMemory?.() ?? 0; // 0, or beyond all measure, where there is none
  mostBytes = ofGroup > 0 && ofGroup < ofMachine ? ofGroup : ofMachine;
  return mostBytes;
}
