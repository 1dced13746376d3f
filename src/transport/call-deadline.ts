import { Deadline } from "../base/timer-wheel.ts";
import type { Exchange } from "../core/exchange.ts";
import { grpcKind } from "../core/grpc.ts";
import type { Worker } from "../core/worker.ts";
import { readGrpcTimeout, writeGrpcTimeout } from "../protocol/grpc/timeout.ts";

const TIMEOUT = "grpc-timeout";

/**
 * The time that the client of gRPC gives its call, from the head of the request to the end of the
 * response, however many attempts it takes. Endpoints are told what is left of it.
 */
export class CallDeadline extends Deadline {
  readonly #worker: Worker;
  readonly #exchange: Exchange;
  readonly #ms: number;
  readonly #onDue: () => void;

  /** undefined: the client says nothing of time, or nothing that can be read; its service may. */
  static of(exchange: Exchange, worker: Worker, onDue: () => void): CallDeadline | undefined {
    if (grpcKind(exchange) === undefined) return undefined;
    const values = exchange.request.headers.all(TIMEOUT);
    const ms = values.length === 1 ? readGrpcTimeout(values[0]!) : undefined;
    return ms === undefined ? undefined : new CallDeadline(worker, exchange, ms, onDue);
  }

  private constructor(worker: Worker, exchange: Exchange, ms: number, onDue: () => void) {
    super();
    this.#worker = worker;
    this.#exchange = exchange;
    this.#ms = ms;
    this.#onDue = onDue;
    worker.wheel.arm(this, this.#leftMs);
  }

  get #leftMs(): number {
    const { clock } = this.#worker.world;
    return Math.max(0, this.#ms - (clock.nowMs() - this.#exchange.times.headMs));
  }

  /** An attempt begins. */
  tell(): void {
    this.#exchange.request.headers.set(TIMEOUT, writeGrpcTimeout(this.#leftMs));
  }

  end(): void {
    this.#worker.wheel.disarm(this);
  }

  override fire(): void {
    this.#onDue();
  }
}
