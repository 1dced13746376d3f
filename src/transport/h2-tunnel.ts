import type { TunnelEnd, TunnelWire } from "../core/downstream.ts";
import { CANCEL, NO_ERROR, PROTOCOL_ERROR } from "../protocol/h2/error-code.ts";
import type { Stream, StreamTaker } from "../protocol/h2/stream.ts";
import type { HeaderList } from "../protocol/http/header-list.ts";
import { type BugTaker, guard } from "./guard.ts";
import type { H2RequestBody } from "./h2-request-body.ts";
import { NO_TRAILERS } from "./trailer-lines.ts";

/** The connection of the stream. */
interface TunnelHost {
  moreToSend(): void;
}

const QUEUE_BYTES_MAX = 64 * 1024; // that wait for the peer's windows before the other side is paused
const QUEUE_BYTES_LOW = 16 * 1024; // at which it is asked for more

/**
 * A stream that has left HTTP (RFC 8441 §5): its data are the bytes of a tunnel, END_STREAM is what
 * a FIN is to a wire, and RST_STREAM its reset.
 */
export class H2Tunnel implements TunnelWire, StreamTaker {
  readonly #stream: Stream;
  readonly #host: TunnelHost;
  readonly #body: H2RequestBody;
  readonly #bugs: BugTaker;
  readonly #end: TunnelEnd;
  #isFull: boolean; // the tunnel was asked to hold on
  #cutsWhenSent: boolean;

  constructor(
    stream: Stream,
    host: TunnelHost,
    body: H2RequestBody,
    bugs: BugTaker,
    end: TunnelEnd,
  ) {
    this.#stream = stream;
    this.#host = host;
    this.#body = body;
    this.#bugs = bugs;
    this.#end = end;
    this.#isFull = false;
    this.#cutsWhenSent = false;
    stream.isTunnel = true;
    stream.taker = this;
  }

  /** Takes over the rest of the request; answers with what the peer has sent already. */
  takeOver(): Buffer | undefined {
    return this.#body.handOver({
      bytes: (bytes) => this.#end.bytes(bytes),
      end: () => this.#finished(),
      stalled: () => {}, // a tunnel has one idle timer, for both its directions
    });
  }

  // --- to the peer ---------------------------------------------------------------------------

  get destroyed(): boolean {
    return this.#stream.isOver;
  }

  write(bytes: Buffer): boolean {
    const stream = this.#stream;
    stream.send(bytes);
    this.#host.moreToSend();
    this.#isFull = stream.queuedBytes > QUEUE_BYTES_MAX;
    return !this.#isFull;
  }

  end(): void {
    this.#stream.end(undefined, NO_TRAILERS);
    this.#host.moreToSend();
  }

  destroySoon(isCut: boolean): void {
    const stream = this.#stream;
    stream.isTunnel = false; // with the end of our side it is over
    if (isCut && !stream.isLocalEnded) {
      this.#cutsWhenSent = true;
      if (stream.queuedBytes === 0) stream.reset(CANCEL);
    } else if (stream.isLocalEnded) stream.reset(NO_ERROR);
    else stream.end(undefined, NO_TRAILERS);
    this.#host.moreToSend();
  }

  destroy(): void {
    this.#stream.reset(CANCEL);
    this.#host.moreToSend();
  }

  moved(_count: number, left: number): void {
    if (this.#cutsWhenSent && left === 0) {
      this.#stream.reset(CANCEL);
      guard(this.#bugs, () => this.#end.closed());
    } else if (this.#isFull && left <= QUEUE_BYTES_LOW) {
      this.#isFull = false;
      guard(this.#bugs, () => this.#end.drained());
    }
  }

  sent(): void {
    if (this.#stream.isOver) guard(this.#bugs, () => this.#end.closed());
  }

  // --- from the peer -------------------------------------------------------------------------

  pause(): void {
    this.#body.pause();
  }

  resume(): void {
    this.#body.resume();
    this.#host.moreToSend(); // windows, that is
  }

  head(): void {
    // Only responses have one that comes later.
  }

  data(bytes: Buffer): void {
    guard(this.#bugs, () => this.#body.data(bytes));
  }

  ended(trailers: HeaderList | undefined): void {
    guard(this.#bugs, () => {
      if (trailers === undefined) this.#body.ended(undefined);
      else {
        // RFC 9113 §8.5: there is data here and nothing else.
        this.#stream.reset(PROTOCOL_ERROR);
        this.#end.closed();
      }
    });
  }

  reset(): void {
    guard(this.#bugs, () => this.#end.closed());
  }

  #finished(): void {
    this.#end.finished();
    if (this.#stream.isOver) this.#end.closed();
  }
}
