import { type ResourceLimits, Worker } from "node:worker_threads";
import type { Clock } from "../../base/world.ts";
import type { Certificates } from "../../core/certificates.ts";
import type { SharedBank } from "../../observe/metric-bank.ts";
import { Watch } from "./pulse.ts";
import type { Answers, FromWorker, Question, ToWorker, WorkerBirth } from "./worker-messages.ts";

const ENTRY = new URL("./worker-thread.ts", import.meta.url);

/** Why a thread is no more. */
export type Death = "crashed" | "out_of_memory" | "hung" | "exited" | "refused";

export class WorkerLost extends Error {
  readonly death: Death;

  constructor(worker: number, death: Death) {
    super(`worker ${worker} ended (${death}) before it had answered`);
    this.name = "WorkerLost";
    this.death = death;
  }
}

export interface ThreadOptions {
  readonly birth: WorkerBirth;
  readonly clock: Clock;
  readonly certificates: Certificates; // the machine's
  /** Tests put other code here: that which breaks. */
  readonly entry?: URL | undefined;
  readonly resourceLimits?: ResourceLimits | undefined;
}

/** Who has the thread. */
export interface ThreadOwner {
  line(line: string): void;
  /** Once, unless it was told to end. Nothing of it runs any more. */
  lost(thread: Thread, death: Death, error: unknown): void;
}

interface Waiting {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
}

/** The main thread's side of one worker. */
export class Thread {
  readonly worker: number;
  readonly startedMs: number;
  readonly watch: Watch;
  readonly #thread: Worker;
  readonly #owner: ThreadOwner;
  readonly #certificates: Certificates;
  readonly #waiting: Map<number, Waiting>;
  #questionCount: number;
  #bank: SharedBank | undefined;
  #death: Death | undefined; // known before it is over
  #error: unknown;
  #isEnding: boolean; // as it should
  #utilization: ReturnType<Worker["performance"]["eventLoopUtilization"]>;

  constructor(
    { birth, clock, certificates, entry, resourceLimits }: ThreadOptions,
    owner: ThreadOwner,
  ) {
    this.worker = birth.worker;
    this.startedMs = clock.nowMs();
    this.watch = new Watch();
    this.#owner = owner;
    this.#certificates = certificates;
    this.#waiting = new Map();
    this.#questionCount = 0;
    this.#bank = undefined;
    this.#death = undefined;
    this.#error = undefined;
    this.#isEnding = false;
    this.#thread = new Worker(entry ?? entryBeside(), {
      workerData: birth,
      name: `sluice worker ${birth.worker}`,
      ...(resourceLimits === undefined ? {} : { resourceLimits }),
    });
    this.#utilization = this.#thread.performance.eventLoopUtilization();
    this.#thread.on("message", (message: FromWorker) => this.#take(message));
    this.#thread.on("error", (error: unknown) => this.#failed(error));
    this.#thread.on("exit", () => this.#over());
  }

  /** What it counts, as far as it has told. */
  get bank(): SharedBank | undefined {
    return this.#bank;
  }

  /** Since the last time. */
  takeUtilization(): number {
    const now = this.#thread.performance.eventLoopUtilization();
    const { utilization } = this.#thread.performance.eventLoopUtilization(now, this.#utilization);
    this.#utilization = now;
    return Math.max(0, utilization); // below zero while the thread starts
  }

  /** Rejects with what the worker says, or with a WorkerLost. */
  ask<Kind extends Question["kind"]>(
    question: Question & { readonly kind: Kind },
  ): Promise<Answers[Kind]> {
    if (this.#death !== undefined) return Promise.reject(new WorkerLost(this.worker, this.#death));
    const id = ++this.#questionCount;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve: resolve as (value: unknown) => void, reject });
      this.#thread.postMessage({ id, question } satisfies ToWorker);
    });
  }

  /** It does not do what it should: ends it at once, wherever it stands. Its owner is told. */
  kill(death: Death): void {
    this.#death ??= death;
    void this.#thread.terminate();
  }

  /** It is not wanted any more. */
  async end(): Promise<void> {
    this.#isEnding = true;
    await this.#thread.terminate();
  }

  #take(message: FromWorker): void {
    if (message.kind === "line") this.#owner.line(message.line);
    else if (message.kind === "bank") this.#bank = message.bank;
    else if (message.kind === "demand") void this.#demanded(message.name);
    else {
      const waiting = this.#waiting.get(message.id);
      this.#waiting.delete(message.id);
      if (message.kind === "answer") waiting?.resolve(message.value);
      else waiting?.reject(new Error(message.message));
    }
  }

  /** A client of the worker has come with a name that no site has. */
  async #demanded(name: string): Promise<void> {
    const id = await this.#certificates.demand?.(name);
    const entry = id === undefined ? undefined : this.#certificates.find(id);
    await this.ask({ kind: "demanded", name, entry }).catch(() => {}); // it may be gone by now
  }

  #failed(error: unknown): void {
    const { code } = error as { readonly code?: unknown };
    this.#death ??= code === "ERR_WORKER_OUT_OF_MEMORY" ? "out_of_memory" : "crashed";
    this.#error = error;
  }

  #over(): void {
    this.#death ??= "exited";
    for (const { reject } of this.#waiting.values()) {
      reject(new WorkerLost(this.worker, this.#death));
    }
    this.#waiting.clear();
    if (!this.#isEnding) this.#owner.lost(this, this.#death, this.#error);
  }
}

/** The source where this is source, the build where this is built. */
function entryBeside(): URL {
  return import.meta.url.endsWith(".ts") ? ENTRY : new URL("./worker-thread.js", import.meta.url);
}
