import { Deadline } from "../base/timer-wheel.ts";
import type { TunnelEnd, TunnelWire } from "../core/downstream.ts";
import type { Exchange } from "../core/exchange.ts";
import type { Fault } from "../core/fault.ts";
import type { Worker } from "../core/worker.ts";

const LEAVE_MS = 30_000; // for what was written to be taken, once the tunnel is over

/**
 * Two wires that have left HTTP (a WebSocket): bytes and FINs go through as they come, each
 * direction with its own backpressure and its own end. Cut when nothing moves for `idleMs`.
 */
export class Tunnel extends Deadline {
  readonly #worker: Worker;
  readonly #exchange: Exchange;
  readonly #idleMs: number;
  readonly #onEnd: (fault: Fault | undefined) => void;
  readonly #down: TunnelWire;
  readonly #up: TunnelWire;
  #isDownFinished: boolean;
  #isUpFinished: boolean;
  #isOver: boolean;

  constructor(
    worker: Worker,
    exchange: Exchange,
    down: TunnelWire,
    up: TunnelWire,
    idleMs: number,
    onEnd: (fault: Fault | undefined) => void,
  ) {
    super();
    this.#worker = worker;
    this.#exchange = exchange;
    this.#idleMs = idleMs;
    this.#onEnd = onEnd;
    this.#down = down;
    this.#up = up;
    this.#isDownFinished = false;
    this.#isUpFinished = false;
    this.#isOver = false;
  }

  /** What the client's wire tells. */
  readonly downstreamEnd: TunnelEnd = {
    bytes: (bytes) => this.fromDownstream(bytes),
    finished: () => {
      this.#isDownFinished = true;
      this.#up.end();
      this.#settle();
    },
    drained: () => void this.#up.resume(),
    closed: () => this.#closed(this.#goneFault()),
  };

  /** What the endpoint's wire tells. */
  readonly upstreamEnd: TunnelEnd = {
    bytes: (bytes) => this.fromUpstream(bytes),
    finished: () => {
      this.#isUpFinished = true;
      this.#down.end();
      this.#settle();
    },
    drained: () => void this.#down.resume(),
    closed: () => this.#closed(undefined),
  };

  start(): void {
    this.#touch();
  }

  fromDownstream(bytes: Buffer): void {
    this.#touch();
    this.#exchange.requestBytes += bytes.length;
    if (!this.#up.write(bytes)) this.#down.pause();
  }

  fromUpstream(bytes: Buffer): void {
    this.#touch();
    this.#exchange.responseBytes += bytes.length;
    if (!this.#down.write(bytes)) this.#up.pause();
  }

  override fire(): void {
    if (this.#isOver) this.#cut();
    else this.#end({ code: "tunnel_idle", detail: "" });
  }

  #touch(): void {
    if (!this.#isOver) this.#worker.wheel.arm(this, this.#idleMs);
  }

  #settle(): void {
    if (this.#isDownFinished && this.#isUpFinished) this.#end(undefined);
  }

  #goneFault(): Fault | undefined {
    // A WebSocket client that just closes is no fault once the endpoint has closed too.
    return this.#isDownFinished || this.#isUpFinished
      ? undefined
      : { code: "client_gone", detail: "in the tunnel" };
  }

  #end(fault: Fault | undefined): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#worker.wheel.disarm(this);
    this.#onEnd(fault);
    // What was written still leaves; where a side was cut, its other side is cut as well.
    if (fault !== undefined) {
      this.#cut();
      return;
    }
    this.#down.destroySoon(!this.#isUpFinished);
    this.#up.destroySoon(!this.#isDownFinished);
    // A peer that has closed its side and takes nothing would keep its wire for ever.
    if (!this.#isGone) this.#worker.wheel.arm(this, Math.min(this.#idleMs, LEAVE_MS));
  }

  #closed(fault: Fault | undefined): void {
    this.#end(fault);
    if (this.#isGone) this.#worker.wheel.disarm(this);
  }

  get #isGone(): boolean {
    return this.#down.destroyed && this.#up.destroyed;
  }

  #cut(): void {
    this.#down.destroy();
    this.#up.destroy();
  }
}
