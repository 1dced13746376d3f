import type { Lanes } from "../base/lanes.ts";
import type { World } from "../base/world.ts";
import { compile } from "../config/compile.ts";
import type { Config } from "../config/config.ts";
import type { Certificates } from "../core/certificates.ts";
import type { Directory } from "../core/directory.ts";
import type { Machine } from "../core/machine.ts";
import type { Runtime } from "../core/runtime.ts";
import type { SharedState } from "../core/state.ts";
import type { Metrics } from "../observe/metrics.ts";
import { EngineWorker } from "./engine-worker.ts";

export interface EngineOptions {
  readonly world: World;
  readonly metrics: Metrics;
  readonly machine: Machine;
  readonly state: SharedState & AsyncDisposable;
  readonly directory: Directory;
  readonly certificates: Certificates;
  readonly pseudonym: string; // in Via, unless the config has one; the same for all workers
}

/** A config, compiled and not yet in force. */
export interface EngineDraft {
  readonly runtime: Runtime;
  readonly connections: ReadonlyMap<string, Lanes>; // how many are open, by listener
  commit(): void;
  discard(): void;
}

/**
 * One thread's clockwork, the state that outlives its configs, and the runtime in force. The main
 * thread has one too when others serve: the model, which makes the memory that they share.
 */
export class Engine implements AsyncDisposable {
  readonly worker: EngineWorker;
  readonly #options: EngineOptions;
  #runtime: Runtime | undefined;
  #connections: ReadonlyMap<string, Lanes>;

  constructor(options: EngineOptions) {
    this.worker = new EngineWorker(options.world, options.metrics, options.directory);
    this.#options = options;
    this.#runtime = undefined;
    this.#connections = new Map();
  }

  /** In force; undefined before the first commit. */
  get runtime(): Runtime | undefined {
    return this.#runtime;
  }

  get connections(): ReadonlyMap<string, Lanes> {
    return this.#connections;
  }

  draft(config: Config, version: number): EngineDraft {
    const { state, ...shared } = this.#options;
    const draft = state.draft();
    const runtime = compile(config, { ...shared, worker: this.worker, draft, version });
    const connections = new Map<string, Lanes>();
    for (const key of [...runtime.listeners.keys(), ...runtime.streamListeners.keys()]) {
      const name = `listener ${key} connections`;
      connections.set(
        key,
        draft.keep(name, () => shared.machine.lanes(name)),
      );
    }
    return {
      runtime,
      connections,
      commit: () => {
        this.#runtime = runtime;
        this.worker.bans = runtime.bans;
        this.#connections = connections;
        draft.commit();
      },
      discard: () => draft.discard(),
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#options.state[Symbol.asyncDispose]();
  }
}
