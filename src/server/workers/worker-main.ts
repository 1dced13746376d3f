/** What a worker thread is made of: it serves what the main thread tells it to. */
import { parentPort, workerData } from "node:worker_threads";
import { InheritedSockets } from "../../base/inherited-sockets.ts";
import { realWorld } from "../../base/real-world.ts";
import { SystemClock } from "../../base/system-clock.ts";
import { Certificates } from "../../core/certificates.ts";
import { Directory } from "../../core/directory.ts";
import { KeyedState } from "../../core/shared-state.ts";
import { JsonLog } from "../../observe/json-log.ts";
import { Metrics } from "../../observe/metrics.ts";
import { Engine } from "../engine.ts";
import { Serving } from "../serving.ts";
import { Pulse } from "./pulse.ts";
import { FoundMemory } from "./shared-memory.ts";
import type { FromWorker, ToWorker, WorkerBirth } from "./worker-messages.ts";
import { WorkerSide } from "./worker-side.ts";

const birth = workerData as WorkerBirth;
const port = parentPort!; // this file is run as a thread and in no other way
const tell = (message: FromWorker): void => port.postMessage(message);

const log = new JsonLog({
  sink: { writeLine: (line) => tell({ kind: "line", line }) },
  clock: new SystemClock(),
  isReadable: birth.isReadableLog,
  fields: { worker: birth.worker },
});
const inherited = new InheritedSockets(birth.inherited);
const world = realWorld({ log, reusePort: true, inherited });
const metrics = new Metrics();
const machine = new FoundMemory(birth.workers, birth.worker);
const state = new KeyedState(log);
const directory = new Directory();
const certificates = new Certificates();
const { pseudonym } = birth;
const engine = new Engine({ world, metrics, machine, state, directory, certificates, pseudonym });
const serving = new Serving({
  world,
  engine,
  // The kernel spreads connections over TCP sockets of one port, but not over unix sockets.
  isOurs: ({ address }) => birth.worker === 0 || !address.host.startsWith("/"),
});
const side = new WorkerSide({
  engine,
  serving,
  machine,
  directory,
  certificates,
  log,
  metrics,
  tell,
});

port.on("message", (message: ToWorker) => void side.take(message));
new Pulse(birth.pulse, birth.worker).beat(world.clock, () => serving.droppedLogLines);
