import { check } from "../../config/check.ts";
import { problemLine } from "../../config/problems.ts";
import type { Certificates } from "../../core/certificates.ts";
import type { Directory } from "../../core/directory.ts";
import { vocabulary } from "../../features/index.ts";
import type { JsonLog } from "../../observe/json-log.ts";
import type { Metrics } from "../../observe/metrics.ts";
import type { NextConfig, Turnover } from "../crew.ts";
import type { Drained } from "../emptying.ts";
import type { Engine } from "../engine.ts";
import type { Serving } from "../serving.ts";
import { Demands } from "./demands.ts";
import type { Blocks, FoundMemory } from "./shared-memory.ts";
import {
  type FromWorker,
  type Prepare,
  type Question,
  type ToWorker,
  unposted,
} from "./worker-messages.ts";

export interface WorkerSideParts {
  readonly engine: Engine;
  readonly serving: Serving;
  readonly machine: FoundMemory;
  readonly directory: Directory;
  readonly certificates: Certificates;
  readonly log: JsonLog;
  readonly metrics: Metrics;
  readonly tell: (message: FromWorker) => void;
}

/** Answers the main thread's questions, in a worker. */
export class WorkerSide {
  readonly #parts: WorkerSideParts;
  #turnover: Turnover | undefined; // prepared, and not yet decided
  #inForce: Blocks; // the memory of the config that serves
  readonly #demands: Demands;
  #isBankDue: boolean;

  constructor(parts: WorkerSideParts) {
    this.#parts = parts;
    this.#turnover = undefined;
    this.#inForce = new Map();
    this.#isBankDue = false;
    this.#demands = new Demands((name) => parts.tell({ kind: "demand", name }));
    parts.certificates.demand = (name) => this.#demands.ask(name);
    parts.metrics.onChange(() => this.#shareBankSoon());
    this.#shareBank();
  }

  async take({ id, question }: ToWorker): Promise<void> {
    try {
      const value = await this.#answer(question);
      this.#parts.tell({ kind: "answer", id, value });
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      this.#parts.tell({ kind: "refusal", id, message });
    }
  }

  async #answer(question: Question): Promise<unknown> {
    const { serving } = this.#parts;
    switch (question.kind) {
      case "prepare":
        return await this.#prepare(question);
      case "commit":
        return await this.#decided()!.commit();
      case "abort":
        return await this.#decided()?.abort(); // there is none where the preparing failed
      case "stop":
        return await this.#stop(serving.stop(question.deadlineMs, question.isOwn));
      case "handOver":
        return await this.#stop(serving.handOver(question.manner));
      case "descriptors":
        return await serving.descriptors();
      case "directory":
        return this.#learn(question);
      case "certificates":
        return this.#parts.certificates.learn(question.changes);
      case "demanded":
        if (question.entry !== undefined) this.#parts.certificates.set(question.entry);
        return this.#demands.answer(question.name, question.entry?.id);
      case "inFlight":
        return await serving.inFlight();
      case "hurry":
        return serving.hurry();
      case "reopenLogs":
        return await serving.reopenLogs();
    }
  }

  /** Memory first: whoever is new in an upstream has its state there. */
  #learn({ entries, blocks }: Extract<Question, { kind: "directory" }>): undefined {
    this.#parts.machine.blocks = blocks;
    this.#inForce = blocks;
    this.#parts.directory.replace(entries);
  }

  async #prepare({ posted, version, blocks, bound, entries, certificates }: Prepare) {
    const { serving, machine, log, directory } = this.#parts;
    const loaded = await unposted(posted);
    const { config, problems } = check(loaded, vocabulary, { reads: false });
    if (config === undefined) throw new Error(problems.map(problemLine).join("\n"));
    const next: NextConfig = { config, loaded, version };
    machine.blocks = blocks;
    directory.replace(entries);
    if (certificates !== undefined) this.#parts.certificates.learn(certificates);
    try {
      const turnover = await serving.prepare(next, bound);
      this.#turnover = {
        ...turnover,
        commit: () => {
          log.level = config.log.level;
          this.#inForce = blocks;
          return turnover.commit();
        },
        abort: () => {
          machine.blocks = this.#inForce;
          return turnover.abort();
        },
      };
      return turnover.bound;
    } catch (error) {
      machine.blocks = this.#inForce;
      throw error;
    }
  }

  async #stop(stopping: Promise<Drained>): Promise<Drained> {
    const drained = await stopping;
    await this.#parts.engine[Symbol.asyncDispose]();
    return drained;
  }

  #decided(): Turnover | undefined {
    const turnover = this.#turnover;
    this.#turnover = undefined;
    return turnover;
  }

  /** Blocks come many at once: a config is compiled, say. */
  #shareBankSoon(): void {
    if (this.#isBankDue) return;
    this.#isBankDue = true;
    setImmediate(() => {
      this.#isBankDue = false;
      this.#shareBank();
    });
  }

  #shareBank(): void {
    this.#parts.tell({ kind: "bank", bank: this.#parts.metrics.share() });
  }
}
