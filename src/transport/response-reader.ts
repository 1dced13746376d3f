import { READ_BYTES, type ReadBuffers } from "../base/read-buffers.ts";
import type { FaultCode } from "../core/fault.ts";
import { INTERIM_RESPONSES_MAX, type Limits } from "../core/limits.ts";
import { type BodyDecoder, bodyDecoder, DATA, END } from "../protocol/h1/body-decoder.ts";
import { HeadParser } from "../protocol/h1/head-parser.ts";
import { type ResponseFacts, readResponse } from "../protocol/h1/response-facts.ts";
import { NEED_MORE, REFUSE } from "../protocol/h1/scan.ts";
import type { HeaderList } from "../protocol/http/header-list.ts";
import { acceptOf } from "../protocol/websocket/handshake.ts";

/** What a response answers, as far as it takes that to read it. */
export interface Asked {
  readonly method: string;
  readonly websocketKey: string | undefined;
  readonly limits: Limits;
}

/** Who the responses are for. */
export interface ResponseTaker {
  interimRead(facts: ResponseFacts): void;
  /** 101, and the handshake is sound. `early`: what came behind it, owned by the taker. */
  switchRead(facts: ResponseFacts, early: Buffer | undefined): void;
  headRead(facts: ResponseFacts): void;
  /** Lent: the bytes lie in the buffer that the next read goes to, unless that is given away. */
  bodyBytes(bytes: Buffer): void;
  /** All that is here of the body has been handed on, and more is to come. */
  bodyUnderway(): void;
  /** `hasExcess`: bytes came behind the response. */
  bodyEnd(trailers: HeaderList | undefined, hasExcess: boolean): void;
  refused(code: FaultCode, detail: string): void;
}

const READ_BYTES_SMALL = 16 * 1024;

/**
 * What of the response to the current request has been read; an interim response is a head that
 * another one follows:
 *
 *     done ─► head ─► body ─► done      done: nothing is asked, or nobody wants the answer
 */
type Reading = "head" | "body" | "done";

/**
 * Takes responses out of the bytes of one connection, one at a time, and lends the buffer that the
 * connection reads into. The taker may call stop() from within any call.
 */
export class ResponseReader {
  readonly #taker: ResponseTaker;
  readonly #buffers: ReadBuffers;
  #parser: HeadParser | undefined; // from the first request on
  #asked: Asked | undefined;
  #reading: Reading;
  #decoder: BodyDecoder | undefined; // while there is a body
  #interims: number;
  #hasReceived: boolean;
  #held: Buffer | undefined; // a head that came in pieces
  #small: Buffer | undefined; // what the wire reads into …
  #pooled: Buffer | undefined; // … and what instead of it, while a body comes that is larger
  #isLarge: boolean; // the body is

  constructor(taker: ResponseTaker, buffers: ReadBuffers) {
    this.#taker = taker;
    this.#buffers = buffers;
    this.#parser = undefined;
    this.#asked = undefined;
    this.#reading = "done";
    this.#decoder = undefined;
    this.#interims = 0;
    this.#hasReceived = false;
    this.#held = undefined;
    this.#small = undefined;
    this.#pooled = undefined;
    this.#isLarge = false;
  }

  /** Any byte of a response to this request is here. */
  get hasReceived(): boolean {
    return this.#hasReceived;
  }

  /** What follows answers this. */
  begin(asked: Asked): void {
    this.#asked = asked;
    this.#reading = "head";
    this.#interims = 0;
    this.#hasReceived = false;
    if (this.#parser === undefined) {
      this.#parser = new HeadParser("response", {
        lineBytes: asked.limits.requestLineBytes,
        fieldBytes: asked.limits.responseHeaderBytes,
        fieldCount: asked.limits.responseHeaderCount,
      });
    } else {
      this.#parser.reset();
    }
  }

  /** Nothing more is read as HTTP. */
  stop(): void {
    this.#reading = "done";
  }

  // --- the buffer ----------------------------------------------------------------------------

  /** To read into. */
  buffer(): Buffer {
    if (this.#pooled !== undefined) return this.#pooled;
    this.#small ??= Buffer.allocUnsafeSlow(READ_BYTES_SMALL);
    return this.#small;
  }

  /**
   * A read of `count` bytes has been fed: chooses what the next one goes to. `isHeld`: someone holds
   * on to what was read, so it is theirs. To be called before the wire's callback returns, when the
   * wire asks for the next buffer.
   */
  readOver(count: number, isHeld: boolean): void {
    if (this.#pooled === undefined && !this.#isLarge && !isHeld) return; // nearly always
    const read = this.#pooled;
    this.#pooled = undefined;
    if (isHeld && read === undefined) this.#small = undefined;
    if (this.#reading !== "body" || !this.#isLarge) {
      if (read !== undefined && !isHeld) this.#buffers.giveBack(read);
      return;
    }
    const isFilled = count >= READ_BYTES;
    if (read !== undefined && !isHeld && !(isFilled && read.length === READ_BYTES)) {
      this.#pooled = read;
      return;
    }
    if (read !== undefined && !isHeld) this.#buffers.giveBack(read);
    this.#pooled = this.#buffers.take(!isHeld && isFilled);
  }

  // --- the response --------------------------------------------------------------------------

  /** The first `count` bytes of the buffer were read. */
  feed(buffer: Buffer, count: number): void {
    this.#hasReceived = true;
    if (this.#decoder !== undefined) {
      this.#readBody(this.#decoder, buffer, 0, count);
    } else if (this.#held === undefined) {
      this.#readHead(buffer, 0, count);
    } else {
      const held = Buffer.concat([this.#held, buffer.subarray(0, count)]);
      this.#held = undefined;
      this.#readHead(held, 0, held.length);
    }
  }

  /** The endpoint's FIN; false if it is not the end of the response. */
  finish(): boolean {
    if (this.#decoder?.endsWithConnection !== true) return false;
    this.#end(undefined, false);
    return true;
  }

  #readHead(bytes: Buffer, from: number, end: number): void {
    const parser = this.#parser!;
    const asked = this.#asked!;
    let at = from;
    while (this.#reading === "head" && at < end) {
      const after = parser.parse(bytes, at, end);
      if (after === NEED_MORE) {
        this.#held = Buffer.from(bytes.subarray(at, end)); // a copy: the buffer will be read into
        return;
      }
      if (after === REFUSE) {
        const isLarge = parser.refusal === "fields-too-large" || parser.refusal === "line-too-long";
        this.#refuse(isLarge ? "response_head_too_large" : "response_malformed", parser.detail);
        return;
      }
      const facts = readResponse(parser, parser.textOf(bytes, at, after), asked.method);
      at = after;
      if (typeof facts === "string") {
        this.#refuse("response_framing", facts);
      } else if (facts.status >= 200) {
        this.#beginResponse(facts, bytes, at, end);
        return;
      } else if (facts.status === 101) {
        this.#switch(facts, asked, at < end ? bytes.subarray(at, end) : undefined);
        return;
      } else {
        this.#interim(facts);
      }
    }
  }

  #interim(facts: ResponseFacts): void {
    if (++this.#interims > INTERIM_RESPONSES_MAX) {
      this.#refuse("response_interim", `more than ${INTERIM_RESPONSES_MAX}`);
      return;
    }
    this.#parser!.reset();
    this.#taker.interimRead(facts);
  }

  // S8: only a handshake that the client asked for, for WebSocket, with the right proof.
  #switch(facts: ResponseFacts, { websocketKey }: Asked, early: Buffer | undefined): void {
    const isSound =
      websocketKey !== undefined &&
      facts.switchesTo === "websocket" &&
      facts.headers.get("sec-websocket-accept") === acceptOf(websocketKey);
    if (!isSound) {
      this.#refuse("response_upgrade", "101 without a sound handshake");
      return;
    }
    this.#reading = "done";
    this.#taker.switchRead(facts, early === undefined ? undefined : Buffer.from(early));
  }

  #beginResponse(facts: ResponseFacts, bytes: Buffer, at: number, end: number): void {
    const { framing } = facts;
    this.#reading = "body";
    this.#taker.headRead(facts);
    if (this.#reading !== "body") return;

    if (framing.kind === "none" || (framing.kind === "length" && framing.bytes === 0)) {
      this.#end(undefined, at < end);
      return;
    }
    const { trailerBytes, trailerCount } = this.#asked!.limits;
    const decoder = bodyDecoder(framing, {
      lineBytes: 0,
      fieldBytes: trailerBytes,
      fieldCount: trailerCount,
    });
    this.#decoder = decoder;
    this.#isLarge = framing.kind === "length" && framing.bytes > READ_BYTES_SMALL;
    this.#readBody(decoder, bytes, at, end);
  }

  #readBody(decoder: BodyDecoder, bytes: Buffer, from: number, end: number): void {
    let at = from;
    while (this.#reading === "body") {
      switch (decoder.step(bytes, at, end)) {
        case DATA:
          at = decoder.dataEnd;
          this.#taker.bodyBytes(bytes.subarray(decoder.dataAt, at));
          break;
        case END:
          this.#end(decoder.trailers, decoder.next < end);
          return;
        case REFUSE:
          this.#refuse("response_body_malformed", "the chunked coding");
          return;
        default:
          if (end - from >= READ_BYTES_SMALL) this.#isLarge = true;
          this.#taker.bodyUnderway();
          return;
      }
    }
  }

  #end(trailers: HeaderList | undefined, hasExcess: boolean): void {
    this.#reading = "done";
    this.#decoder = undefined;
    this.#isLarge = false;
    this.#asked = undefined;
    this.#taker.bodyEnd(trailers, hasExcess);
  }

  #refuse(code: FaultCode, detail: string): void {
    this.#reading = "done";
    this.#taker.refused(code, detail);
  }
}
