export type ReadinessState = "starting" | "ready" | "no_worker" | "draining";

/** Whether a load balancer should send us anything. */
export class Readiness {
  readonly #hasWorkers: () => boolean;
  #state: Exclude<ReadinessState, "no_worker">;

  constructor(hasWorkers: () => boolean = () => true) {
    this.#hasWorkers = hasWorkers;
    this.#state = "starting";
  }

  get state(): ReadinessState {
    return this.#state === "ready" && !this.#hasWorkers() ? "no_worker" : this.#state;
  }

  /** Draining is final: nothing makes a process that is going away ready again. */
  set(state: "ready" | "draining"): void {
    if (this.#state !== "draining") this.#state = state;
  }
}
