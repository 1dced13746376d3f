import { idOf } from "../http/header-id.ts";
import type { HeaderList } from "../http/header-list.ts";
import { NO_ERROR } from "./error-code.ts";
import type { FieldSection } from "./field-section.ts";
import type { FrameOutput } from "./frame-output.ts";
import type { HpackEncoder } from "./hpack-encoder.ts";
import { FRAME_BYTES_MAX, WINDOW_BYTES, WINDOW_BYTES_MAX } from "./settings.ts";

/** Who has a stream: is told what comes on it, and what leaves. */
export interface StreamTaker {
  /** To a client: an interim head, or the head of the response. */
  head(section: FieldSection, isLast: boolean): void;
  /** Lent until the call returns. Whoever is done with bytes says so to consumed(). */
  data(bytes: Buffer): void;
  ended(trailers: HeaderList | undefined): void;
  /** The stream is over before its time: the peer reset it, or broke a rule. Nothing follows. */
  reset(code: number, why: string, byPeer: boolean): void;
  /** Of what send() was given so much has been framed; `left` waits for windows. */
  moved(count: number, left: number): void;
  /** All has been framed, the end included. */
  sent(): void;
}

/** The head of a request, as a client sends it. */
export interface RequestFields {
  readonly method: string;
  readonly protocol?: string | undefined; // that the stream is to leave HTTP for (RFC 8441)
  readonly scheme: "http" | "https";
  readonly authority: string; // "" if there is none
  readonly path: string;
  readonly headers: HeaderList;
  readonly drop: Uint8Array; // of the headers
  readonly more: string; // lines as HTTP/1 has them, each with its CRLF
}

/** What streams share, and whom they tell that they are over. */
export interface StreamHost {
  readonly role: "server" | "client";
  readonly streamWindowBytes: number; // what a window grows to while its body flows
  readonly output: FrameOutput;
  readonly encoder: HpackEncoder;
  ready(stream: Stream): void; // it has something to send, and a window for it
  credit(bytes: number): void; // of the connection's window
  over(stream: Stream, isReset: boolean): void;
  answered(): void;
}

const CONTENT_LENGTH = idOf("content-length");
const NONE: Buffer[] = [];

/** One stream of a connection: its two windows, and what waits to be sent on it. */
export class Stream {
  readonly id: number;
  readonly #host: StreamHost;
  taker: StreamTaker | undefined;
  next: Stream | undefined; // in the connection's queue of those that are ready
  isReady: boolean; // it is in that queue
  hasHead: boolean; // the peer's final head has come: another block is trailers
  isRemoteEnded: boolean;
  isLocalEnded: boolean; // END_STREAM is framed
  isOver: boolean;
  isTunnel: boolean; // each direction has its own end
  endCode: number; // what to reset it with once the response is out, if it is not over then
  bytesLeft: number; // of the body, as Content-Length announced it; Infinity if it did not
  receiveWindow: number;
  #windowBytes: number; // what receiveWindow is brought back to
  #uncredited: number; // consumed, and the peer does not know it yet
  #unconsumed: number;
  #sendWindow: number;
  #queue: Buffer[];
  #queueAt: number; // into the first
  #queuedBytes: number;
  #isEnding: boolean; // with the last byte of the queue
  #trailers: HeaderList | undefined;
  #trailerDrops: Uint8Array | undefined;

  constructor(id: number, host: StreamHost, sendWindow: number) {
    this.id = id;
    this.#host = host;
    this.taker = undefined;
    this.next = undefined;
    this.isReady = false;
    this.hasHead = false;
    this.isRemoteEnded = false;
    this.isLocalEnded = false;
    this.isOver = false;
    this.isTunnel = false;
    this.endCode = NO_ERROR;
    this.bytesLeft = Number.POSITIVE_INFINITY;
    this.receiveWindow = WINDOW_BYTES;
    this.#windowBytes = WINDOW_BYTES;
    this.#uncredited = 0;
    this.#unconsumed = 0;
    this.#sendWindow = sendWindow;
    this.#queue = NONE;
    this.#queueAt = 0;
    this.#queuedBytes = 0;
    this.#isEnding = false;
    this.#trailers = undefined;
    this.#trailerDrops = undefined;
  }

  /** Bytes that were given to send() and are not framed: they are still the giver's buffers. */
  get queuedBytes(): number {
    return this.#queuedBytes;
  }

  // --- sending -------------------------------------------------------------------------------

  /** `length`: to be told as Content-Length. */
  sendResponse(
    status: number,
    headers: HeaderList | undefined,
    drop: Uint8Array,
    length: string | undefined,
    isLast: boolean,
  ): void {
    if (this.isOver) return;
    const { encoder } = this.#host;
    encoder.begin();
    encoder.status(status);
    if (headers !== undefined) encoder.fields(headers, drop);
    if (length !== undefined) encoder.take(CONTENT_LENGTH, "content-length", length);
    this.#host.output.headers(this.id, encoder.end(), isLast);
    if (isLast) this.#sentEnd();
  }

  sendRequest(request: RequestFields, isLast: boolean): void {
    if (this.isOver) return;
    const { encoder } = this.#host;
    encoder.begin();
    encoder.pseudo(":method", request.method);
    if (request.protocol !== undefined) encoder.pseudo(":protocol", request.protocol);
    encoder.pseudo(":scheme", request.scheme);
    if (request.authority !== "") encoder.pseudo(":authority", request.authority);
    encoder.pseudo(":path", request.path);
    encoder.fields(request.headers, request.drop);
    encoder.lines(request.more);
    this.#host.output.headers(this.id, encoder.end(), isLast);
    if (isLast) this.#sentEnd();
  }

  /** Data, which leaves when the windows let it. */
  send(bytes: Buffer): void {
    if (this.isOver || bytes.length === 0) return;
    if (this.#queue === NONE) this.#queue = [];
    this.#queue.push(bytes);
    this.#queuedBytes += bytes.length;
    if (this.#sendWindow > 0) this.#host.ready(this);
  }

  end(trailers: HeaderList | undefined, trailerDrops: Uint8Array): void {
    if (this.isOver || this.#isEnding) return;
    this.#isEnding = true;
    this.#trailers = trailers;
    this.#trailerDrops = trailerDrops;
    if (this.#queuedBytes > 0) return;
    if (trailers === undefined) {
      this.#host.output.endData(this.id);
      this.#sentEnd();
    } else this.#sendTrailers();
  }

  /** Frames some of what waits, `room` at most; answers with how much. framed() follows. */
  fill(room: number): number {
    const first = this.#queue[0]!;
    const left = first.length - this.#queueAt;
    const count = Math.min(left, room, this.#sendWindow, FRAME_BYTES_MAX);
    if (count <= 0) return 0;
    const at = this.#queueAt;
    this.#queuedBytes -= count;
    this.#sendWindow -= count;
    const isLast = this.#queuedBytes === 0 && this.#isEnding && this.#trailers === undefined;
    this.#host.output.data(this.id, first, at, at + count, isLast);
    this.isLocalEnded = isLast;
    if (count < left) this.#queueAt += count;
    else {
      this.#queueAt = 0;
      if (this.#queue.length === 1) this.#queue = NONE;
      else this.#queue.shift();
    }
    return count;
  }

  /** What fill() has done is in the books: who hears of it here may send more, end it, and have that framed. */
  framed(count: number): void {
    const isLast = this.isLocalEnded;
    this.taker?.moved(count, this.#queuedBytes);
    if (isLast) this.#sentEnd();
    else if (this.#isEnding && this.#queuedBytes === 0 && !this.isLocalEnded && !this.isOver) {
      this.#sendTrailers();
    }
  }

  get maySend(): boolean {
    return this.#queuedBytes > 0 && this.#sendWindow > 0 && !this.isOver;
  }

  /** The peer takes more, or by a change of its settings less; false: more than there may be. */
  widen(bytes: number): boolean {
    this.#sendWindow += bytes;
    if (this.#sendWindow > WINDOW_BYTES_MAX) return false;
    if (this.maySend) this.#host.ready(this);
    return true;
  }

  #sendTrailers(): void {
    const { encoder, output } = this.#host;
    encoder.begin();
    encoder.fields(this.#trailers!, this.#trailerDrops);
    const block = encoder.end();
    if (block.length === 0)
      output.endData(this.id); // all of them were dropped
    else output.headers(this.id, block, true);
    this.#sentEnd();
  }

  #sentEnd(): void {
    this.isLocalEnded = true;
    this.#host.answered();
    const { taker } = this;
    const isOpen = !this.isRemoteEnded && this.#host.role === "server" && !this.isTunnel;
    if (isOpen || this.endCode !== NO_ERROR) {
      // An answer before the end of the request: the client need not send the rest (RFC 9113 §8.1).
      this.#host.output.reset(this.id, this.endCode);
      this.#close(true);
    } else if (this.isRemoteEnded) this.#close(false);
    taker?.sent();
  }

  /** Ends it without ending what was sent: the peer must see that it is not whole. */
  reset(code: number): void {
    if (this.isOver) return;
    this.#host.output.reset(this.id, code);
    this.#close(true);
  }

  // --- receiving -----------------------------------------------------------------------------

  /** `bytes` of a DATA frame count against the windows, `padding` of them are none of the body. */
  dataBegan(bytes: number, padding: number): void {
    this.receiveWindow -= bytes;
    this.bytesLeft -= bytes - padding;
    this.#unconsumed += bytes;
    if (padding > 0) this.consumed(padding);
  }

  /** The taker is done with so much: the peer may send as much again. */
  consumed(bytes: number): void {
    if (this.isOver) return;
    this.#unconsumed -= bytes;
    this.#host.credit(bytes);
    if (this.isRemoteEnded) return;
    this.#uncredited += bytes;
    if (this.#uncredited * 2 < this.#windowBytes) return;
    // What came was taken as fast: a longer way fills a wider window.
    const most = this.#host.streamWindowBytes - this.#windowBytes;
    const growth = this.#unconsumed === 0 ? Math.max(0, Math.min(this.#windowBytes, most)) : 0;
    this.#windowBytes += growth;
    this.#host.output.windowUpdate(this.id, this.#uncredited + growth);
    this.receiveWindow += this.#uncredited + growth;
    this.#uncredited = 0;
  }

  remoteEnded(trailers: HeaderList | undefined): void {
    this.isRemoteEnded = true;
    const { taker } = this;
    if (this.isLocalEnded) this.#close(false);
    taker?.ended(trailers);
  }

  /** The peer reset it, or broke a rule. */
  broken(code: number, why: string, byPeer: boolean): void {
    if (this.isOver) return;
    const { taker } = this;
    this.#close(!byPeer);
    taker?.reset(code, why, byPeer);
  }

  #close(isReset: boolean): void {
    this.isOver = true;
    if (this.#unconsumed > 0) this.#host.credit(this.#unconsumed);
    this.#unconsumed = 0;
    this.#queue = NONE;
    this.#queuedBytes = 0;
    this.taker = undefined;
    this.#host.over(this, isReset);
  }
}
