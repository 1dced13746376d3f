import { BroadcastChannel } from "node:worker_threads";
import { within } from "./deadline.ts";

export interface WorkerFault {
  readonly kind:
    | "throw"
    | "reject"
    | "exit"
    | "hang"
    | "fill the heap"
    | "throw in prepare"
    | "throw in commit";
  readonly at: number; // which worker
}

/** What `start` of a proxy is, so that its workers can be broken. */
export const FAULTY_WORKERS = {
  threads: {
    entry: new URL("./faulty-worker.ts", import.meta.url),
    resourceLimits: { maxOldGenerationSizeMb: 64 },
  },
} as const;

/** Breaks one worker of the proxy in this process, at its next turn after this. */
export async function breakWorker(kind: WorkerFault["kind"], at = 0): Promise<void> {
  const channel = new BroadcastChannel("worker faults");
  const heard = new Promise<void>((resolve) => {
    channel.onmessage = () => resolve();
  });
  channel.postMessage({ kind, at } satisfies WorkerFault);
  await within(heard, () => `worker ${at} to hear of its fault`);
  channel.close();
}
