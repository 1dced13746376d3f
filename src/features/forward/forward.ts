import type { Exchange } from "../../core/exchange.ts";
import type { Handler } from "../../core/filter.ts";
import type { Worker } from "../../core/worker.ts";
import { Forwarding, type ForwardOptions } from "./forwarding.ts";

/** Sends exchanges to an upstream, and tries other endpoints for as long as that is safe. */
export class Forward implements Handler {
  readonly kind = "forward";
  readonly options: ForwardOptions;
  readonly #worker: Worker;

  constructor(options: ForwardOptions, worker: Worker) {
    this.options = options;
    this.#worker = worker;
  }

  handle(exchange: Exchange): undefined {
    new Forwarding(this.#worker, exchange, this.options).begin();
  }
}
