export type ReadinessState = "starting" | "ready" | "draining";

/** Whether a load balancer should send us anything. */
export class Readiness {
  #state: ReadinessState;

  constructor() {
    this.#state = "starting";
  }

  get state(): ReadinessState {
    return this.#state;
  }

  /** Draining is final: nothing makes a process that is going away ready again. */
  set(state: ReadinessState): void {
    if (this.#state !== "draining") this.#state = state;
  }
}
