/** A worker that serves as all do, and breaks when a test says so (test/support/worker-faults.ts). */
import { BroadcastChannel, parentPort, workerData } from "node:worker_threads";
import type { ToWorker, WorkerBirth } from "../../src/server/workers/worker-messages.ts";
import type { WorkerFault } from "./worker-faults.ts";
import "../../src/server/workers/worker-thread.ts";

const { worker } = workerData as WorkerBirth;
const channel = new BroadcastChannel("worker faults");

channel.onmessage = (event) => {
  const { kind, at } = (event as { data: WorkerFault }).data;
  if (at !== worker) return;
  channel.postMessage({ heard: at });
  if (kind === "throw in prepare" || kind === "throw in commit") {
    // After the worker's own listener: what it does at once is done, and is not answered any more.
    parentPort!.on("message", ({ question }: ToWorker) => {
      if (kind.endsWith(question.kind)) throw new Error("a bug");
    });
    return;
  }
  setImmediate(BREAKS[kind]);
};

const BREAKS = {
  throw() {
    throw new Error("a bug");
  },
  reject() {
    void Promise.reject(new Error("a bug"));
  },
  exit() {
    process.exit(3);
  },
  hang() {
    for (;;);
  },
  "fill the heap"() {
    const held: unknown[] = [];
    for (;;) held.push(Array.from({ length: 1000 }, (_, index) => ({ index })));
  },
} as const;
