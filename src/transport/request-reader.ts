import { READ_BYTES, type ReadBuffers } from "../base/read-buffers.ts";
import type { Clock, Wire } from "../base/world.ts";
import type { FaultCode } from "../core/fault.ts";
import { HELD_BYTES_MAX, LINGER_BYTES_MAX, type Limits } from "../core/limits.ts";
import type { Worker } from "../core/worker.ts";
import { type BodyDecoder, bodyDecoder, DATA, END } from "../protocol/h1/body-decoder.ts";
import type { Framing } from "../protocol/h1/framing.ts";
import { HeadParser, type HeadRefusal } from "../protocol/h1/head-parser.ts";
import {
  type RequestFacts,
  type RequestRefusal,
  readRequest,
} from "../protocol/h1/request-facts.ts";
import { CR, LF, NEED_MORE, REFUSE } from "../protocol/h1/scan.ts";
import type { HeaderList } from "../protocol/http/header-list.ts";

/**
 * What of the current request has been read (LIFECYCLE.md has the table):
 *
 *     head ─► body ─► done ─► head …      the next request
 *       │       └───► drop ─► done        the answer came first: the rest is read and dropped
 *       └─────────────────► shut          nothing more is read as HTTP
 */
export type Reading = "head" | "body" | "done" | "drop" | "shut";

/** Who the requests are for. */
export interface RequestTaker {
  /** Some of a head is here, and not all of it. */
  headUnderway(): void;
  headRead(facts: RequestFacts): void;
  headRefused(code: FaultCode, detail: string): void;
  /** `announced` more are sure to follow. False: the body is refused, and no more is wanted. */
  bodyBytes(bytes: Buffer, announced: number): boolean;
  bodyEnd(trailers: HeaderList | undefined): void;
  bodyMalformed(): void;
  /** Bytes of the body that were handed over are still in use, or may be. */
  holdsBody(): boolean;
  /** The client is done sending, and the request is not whole. */
  truncated(where: "head" | "body"): void;
  /** The rest of the request has been dropped; or it is more than is worth reading. */
  dropEnd(isWhole: boolean): void;
}

/**
 * Takes requests out of the bytes of one connection, one at a time. What comes ahead of its time
 * (a pipelined request, a body nobody has asked for yet) is held, and bounded by not reading on.
 */
export class RequestReader {
  readonly #wire: Wire;
  readonly #clock: Clock;
  readonly #buffers: ReadBuffers;
  readonly #lends: boolean; // the wire lends what it reads
  #own: Buffer | undefined; // what the wire reads into while a body comes
  #copies: boolean; // what is being taken is lent for this moment only
  readonly #limits: Limits;
  readonly #taker: RequestTaker;
  readonly #parser: HeadParser;
  #held: Buffer | undefined; // read and not consumed, from #heldAt on
  #heldAt: number;
  #isPumping: boolean;
  #reading: Reading;
  #decoder: BodyDecoder | undefined;
  #droppedBytes: number; // of a body nobody wanted, or behind the last request
  #isBodyWanted: boolean;
  #isPaused: boolean; // the wire is
  #isFinished: boolean; // nothing follows what is held
  startedMs: number; // the first byte of the current head; 0 before

  constructor(wire: Wire, worker: Worker, limits: Limits, taker: RequestTaker) {
    this.#wire = wire;
    this.#clock = worker.clock;
    this.#buffers = worker.buffers;
    this.#lends = wire.readInto !== undefined;
    this.#own = undefined;
    this.#copies = false;
    this.#limits = limits;
    this.#taker = taker;
    this.#parser = new HeadParser("request", {
      lineBytes: limits.requestLineBytes,
      fieldBytes: limits.headerBytes,
      fieldCount: limits.headerCount,
    });
    this.#held = undefined;
    this.#heldAt = 0;
    this.#isPumping = false;
    this.#reading = "head";
    this.#decoder = undefined;
    this.#droppedBytes = 0;
    this.#isBodyWanted = false;
    this.#isPaused = false;
    this.#isFinished = false;
    this.startedMs = 0;
  }

  get reading(): Reading {
    return this.#reading;
  }

  /** Bytes are here that no request has consumed. */
  get holdsBytes(): boolean {
    return this.#held !== undefined;
  }

  /** Bytes as the wire's "data" has them: lent, if the wire lends. */
  feed(bytes: Buffer): void {
    const isOwn = this.#own !== undefined && bytes.buffer === this.#own.buffer;
    this.#copies = this.#lends && !isOwn;
    this.#take(bytes);
    this.#copies = false;
    if (!this.#lends) return;
    if (this.#held === bytes) this.#ownHeld();
    this.#chooseBuffer(bytes.length >= READ_BYTES);
  }

  #ownHeld(): void {
    this.#held = Buffer.from(this.#held!.subarray(this.#heldAt));
    this.#heldAt = 0;
  }

  // Heads are read into the network's one buffer for all, bodies into one of their own: what lies
  // there is written on uncopied, and the buffer is used again as soon as nobody holds it.
  #chooseBuffer(isFilled: boolean): void {
    const wasOwn = this.#own;
    const isBody = this.#reading === "body";
    if (wasOwn === undefined && !isBody) return;
    const isHeld = this.#taker.holdsBody();
    if (wasOwn !== undefined && !isHeld) {
      const isTooSmall = isFilled && wasOwn.length === READ_BYTES;
      if (isBody && !isTooSmall) return;
      this.#buffers.giveBack(wasOwn);
    }
    this.#own = isBody ? this.#buffers.take(isFilled && !isHeld) : undefined;
    this.#wire.readInto?.(this.#own);
  }

  // Outside of a read the wire may have chosen its next buffer already, so this one is not for
  // anybody else: what comes into it is treated as lent, and then it is gone.
  #letGo(): void {
    this.#own = undefined;
    this.#wire.readInto?.(undefined);
  }

  #take(bytes: Buffer): void {
    if (this.#reading === "shut") {
      this.#droppedBytes += bytes.length;
      if (this.#droppedBytes > LINGER_BYTES_MAX) this.#wire.destroy();
      return;
    }
    this.#held =
      this.#held === undefined ? bytes : Buffer.concat([this.#held.subarray(this.#heldAt), bytes]);
    this.#heldAt = 0;
    this.#pump();
  }

  /** The client's FIN: what is held is all there is. */
  finish(): void {
    this.#isFinished = true;
    this.#pump();
  }

  wantBody(): void {
    if (this.#reading === "head" || this.#reading === "shut") return;
    this.#isBodyWanted = true;
    this.#resumeWire();
    this.#pump();
  }

  holdBody(): void {
    this.#isBodyWanted = false;
    this.#pauseWire();
  }

  /** Goes on to the next request, which may be here already. */
  readNext(): void {
    this.#reading = "head";
    this.#isBodyWanted = false;
    this.#droppedBytes = 0;
    this.startedMs = 0;
    this.#parser.reset();
    if (this.#own !== undefined) this.#letGo();
    this.#resumeWire();
    this.#pump();
  }

  /** Reads the rest of the body and drops it. */
  drop(): void {
    this.#reading = "drop";
    this.#resumeWire();
    this.#pump();
  }

  /** Nothing more is read as HTTP; what still comes is dropped. */
  shut(): void {
    this.#reading = "shut";
    this.#held = undefined;
    this.#resumeWire();
  }

  /** As shut(), with what was held handed over: the bytes belong to another protocol. */
  handOver(): Buffer | undefined {
    const held = this.#held?.subarray(this.#heldAt);
    this.shut();
    return held;
  }

  // Reads on for as long as there is something to read and someone to take it. Whoever is called
  // from here may call back in; the outermost loop goes on.
  #pump(): void {
    if (this.#isPumping) return;
    this.#isPumping = true;
    try {
      while (this.#held !== undefined && this.#readSome()) this.#forgetConsumed();
      this.#forgetConsumed();
    } finally {
      this.#isPumping = false;
    }
    if (this.#isFinished) this.#checkWhole();
  }

  #checkWhole(): void {
    const isHeld = this.#held !== undefined;
    if (this.#reading === "head" && isHeld && !this.#holdsEmptyLine())
      this.#taker.truncated("head");
    else if (this.#reading === "body" && !isHeld) this.#taker.truncated("body");
  }

  // The line end that some clients send behind a body is no request that has begun.
  #holdsEmptyLine(): boolean {
    const held = this.#held!;
    const bytes = held.length - this.#heldAt;
    return bytes <= 2 && held[this.#heldAt] === CR && (bytes < 2 || held[this.#heldAt + 1] === LF);
  }

  #forgetConsumed(): void {
    if (this.#held !== undefined && this.#heldAt >= this.#held.length) this.#held = undefined;
  }

  /** One step; false if it has to wait. */
  #readSome(): boolean {
    switch (this.#reading) {
      case "head":
        return this.#readHead(this.#held!);
      case "drop":
        return this.#readBody(this.#held!);
      case "body":
        if (this.#isBodyWanted) return this.#readBody(this.#held!);
        break;
      case "done": // a pipelined request waits for its turn
      case "shut":
        break;
    }
    if (this.#held!.length - this.#heldAt > HELD_BYTES_MAX) this.#pauseWire();
    return false;
  }

  #readHead(held: Buffer): boolean {
    const start = this.#heldAt;
    if (this.startedMs === 0) this.startedMs = this.#clock.nowMs();
    const after = this.#parser.parse(held, start, held.length);
    if (after === NEED_MORE) {
      if (!this.#holdsEmptyLine()) this.#taker.headUnderway();
      return false;
    }
    if (after === REFUSE) {
      this.#refuse(PARSER_FAULTS[this.#parser.refusal!], this.#parser.detail);
      return false;
    }
    this.#heldAt = after;
    const facts = readRequest(this.#parser, this.#parser.textOf(held, start, after));
    if ("refused" in facts) {
      this.#refuse(FACTS_FAULTS[facts.refused], facts.why);
      return false;
    }
    this.#startBody(facts.framing);
    this.#taker.headRead(facts);
    return true;
  }

  #refuse(code: FaultCode, detail: string): void {
    this.shut();
    this.#taker.headRefused(code, detail);
  }

  #startBody(framing: Framing): void {
    if (framing.kind === "none" || (framing.kind === "length" && framing.bytes === 0)) {
      this.#reading = "done";
      return;
    }
    this.#reading = "body";
    this.#decoder = bodyDecoder(framing, {
      lineBytes: 0,
      fieldBytes: this.#limits.trailerBytes,
      fieldCount: this.#limits.trailerCount,
    });
  }

  #readBody(held: Buffer): boolean {
    const decoder = this.#decoder!;
    switch (decoder.step(held, this.#heldAt, held.length)) {
      case DATA:
        this.#heldAt = decoder.dataEnd;
        return this.#deliver(held.subarray(decoder.dataAt, decoder.dataEnd)) && this.#maybeEnd();
      case END:
        this.#heldAt = decoder.next;
        this.#endBody(decoder.trailers);
        return true;
      case REFUSE:
        this.#taker.bodyMalformed();
        return false;
      default:
        this.#heldAt = held.length;
        return true;
    }
  }

  // A body of known length is over with its last byte, not with the first byte behind it.
  #maybeEnd(): boolean {
    const decoder = this.#decoder;
    if (decoder?.isOver === true) this.#endBody(undefined);
    return true;
  }

  /** Hands body bytes on, or drops them; false if that is enough. */
  #deliver(bytes: Buffer): boolean {
    if (this.#reading !== "drop") {
      const body = this.#copies ? Buffer.from(bytes) : bytes;
      return this.#taker.bodyBytes(body, this.#decoder!.announced);
    }
    this.#droppedBytes += bytes.length;
    if (this.#droppedBytes <= LINGER_BYTES_MAX) return true;
    this.#taker.dropEnd(false);
    return false;
  }

  #endBody(trailers: HeaderList | undefined): void {
    const wasDropped = this.#reading === "drop";
    this.#decoder = undefined;
    this.#reading = "done";
    if (wasDropped) this.#taker.dropEnd(true);
    else this.#taker.bodyEnd(trailers);
  }

  #pauseWire(): void {
    if (this.#isPaused) return;
    this.#isPaused = true;
    this.#wire.pause();
  }

  #resumeWire(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    this.#wire.resume();
  }
}

const PARSER_FAULTS: Readonly<Record<HeadRefusal, FaultCode>> = {
  grammar: "request_malformed",
  version: "request_version",
  "line-too-long": "request_line_too_long",
  "fields-too-large": "request_head_too_large",
};

const FACTS_FAULTS: Readonly<Record<RequestRefusal, FaultCode>> = {
  framing: "request_framing",
  coding: "request_coding",
  host: "request_host",
  expectation: "request_expectation",
  connection: "request_connection",
  upgrade: "request_upgrade",
  method: "request_method",
};
