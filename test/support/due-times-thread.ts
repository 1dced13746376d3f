/** Takes as often as it can from keys that other threads take from too, and says how often it could. */
import { parentPort, workerData } from "node:worker_threads";
import { DueTimes, type Pace } from "../../src/base/due-times.ts";

interface Task {
  readonly memory: SharedArrayBuffer;
  readonly gate: SharedArrayBuffer; // threads that are ready
  readonly threads: number;
  readonly keys: number;
  readonly rounds: number;
  readonly pace: Pace;
  readonly nowMs: number;
}

const task = workerData as Task;
const times = new DueTimes(task.memory);
const ready = new Int32Array(task.gate);
const taken = new Array<number>(task.keys).fill(0);

Atomics.add(ready, 0, 1);
while (Atomics.load(ready, 0) < task.threads) {}
for (let round = 0; round < task.rounds; round++) {
  for (let key = 0; key < task.keys; key++) {
    if (times.take(`key ${key}`, 1, task.nowMs, task.pace) >= 0) taken[key]!++;
  }
}
parentPort!.postMessage(taken);
