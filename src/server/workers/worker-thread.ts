/** The entry of a worker thread. */
import module from "node:module";
import { workerData } from "node:worker_threads";
import type { WorkerBirth } from "./worker-messages.ts";

// Where the main thread keeps compiled code the worker finds it: it loads much the same.
const { compiledCode } = workerData as WorkerBirth;
if (compiledCode !== undefined) module.enableCompileCache?.(compiledCode);
await import("./worker-main.ts");
