import { CHUNKED, type Framing } from "../protocol/h1/framing.ts";
import type { HeaderList } from "../protocol/http/header-list.ts";
import type { BodyStage, StageMaker } from "./body-stage.ts";
import type { Exchange } from "./exchange.ts";
import type { Fault } from "./fault.ts";
import { PassingDownstream } from "./passing-downstream.ts";
import { fail } from "./pipeline.ts";

/** The client's side of an exchange whose request body goes through a stage. */
export class StagedRequest extends PassingDownstream {
  readonly #exchange: Exchange;
  readonly #stage: BodyStage;
  #isWanted: boolean; // who serves takes bytes
  #isFull: boolean; // the stage takes none
  #isOver: boolean;

  constructor(exchange: Exchange, make: StageMaker) {
    super(exchange.downstream);
    this.#exchange = exchange;
    this.#isWanted = false;
    this.#isFull = false;
    this.#isOver = false;
    const sideHolds = () => this.side === undefined || this.side.holdsRequest;
    this.#stage = make({
      write: (bytes) => this.#onward(bytes),
      get holdsBytes() {
        return sideHolds();
      },
      flush: () => {
        if (!this.#isOver) this.side?.bodyReadOver();
      },
      end: (trailers) => {
        if (!this.#isOver) this.side?.bodyEnd(trailers);
      },
      more: () => this.#more(),
      fail: (fault) => this.#fail(fault),
    });
  }

  // --- who serves --------------------------------------------------------------------------------

  override get requestFraming(): Framing {
    return CHUNKED; // nobody knows how long it will be
  }

  override pauseBody(): void {
    this.#isWanted = false;
    this.behind.pauseBody();
  }

  override resumeBody(): void {
    if (this.#isWanted || this.#isOver) return;
    this.#isWanted = true;
    this.#stage.resume();
    if (this.#isWanted && !this.#isFull) this.behind.resumeBody();
  }

  // --- the client --------------------------------------------------------------------------------

  override get holdsRequest(): boolean {
    return this.#stage.holdsBytes || super.holdsRequest;
  }

  override bodyBytes(bytes: Buffer): void {
    if (this.#isOver || this.#stage.write(bytes)) return;
    this.#isFull = true;
    this.behind.pauseBody();
  }

  override bodyReadOver(): void {
    if (!this.#isOver) this.#stage.flush();
  }

  override bodyEnd(trailers: HeaderList | undefined): void {
    if (!this.#isOver) this.#stage.end(trailers);
  }

  override clientGone(fault: Fault): void {
    this.#stop();
    this.side?.clientGone(fault);
  }

  // --- the stage ---------------------------------------------------------------------------------

  #onward(bytes: Buffer): boolean {
    if (!this.#isOver) this.side?.bodyBytes(bytes);
    return this.#isWanted;
  }

  #more(): void {
    if (this.#isOver) return;
    this.#isFull = false;
    if (this.#isWanted) this.behind.resumeBody();
  }

  #fail(fault: Fault): void {
    if (this.#isOver) return;
    this.#stop();
    this.behind.pauseBody();
    this.side?.clientGone(fault);
    fail(this.#exchange, fault);
  }

  #stop(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#stage.stop();
  }
}
