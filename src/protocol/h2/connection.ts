import * as code from "./error-code.ts";
import type { FieldSection, SectionLimits } from "./field-section.ts";
import {
  ANSWERED_POINTS,
  DATA_FRAME_POINTS,
  FloodBudget,
  POINTS_MAX,
  STREAM_ERROR_POINTS,
} from "./flood-budget.ts";
import { FrameHandler } from "./frame-handler.ts";
import { FrameOutput } from "./frame-output.ts";
import { DRAIN_PING, LIVENESS_PING, PREFACE } from "./frame-type.ts";
import { HpackEncoder } from "./hpack-encoder.ts";
import { ReadyStreams } from "./ready-streams.ts";
import { PeerSettings, settingsPayload, WINDOW_BYTES, WINDOW_BYTES_MAX } from "./settings.ts";
import { Stream, type StreamHost } from "./stream.ts";
import { StreamTable } from "./stream-table.ts";

export interface ConnectionLimits {
  readonly streamsMax: number; // that the peer may have open
  readonly streamsPerConnection: number; // after which the connection is drained
  readonly head: SectionLimits;
  readonly trailers: SectionLimits;
  readonly streamWindowBytes?: number; // what a stream's window grows to
  readonly connectionWindowBytes?: number;
  readonly floodPoints?: number;
}

/** Who has a connection. Streams tell their own story to their takers. */
export interface ConnectionTaker {
  /** A request has come to a server; sets stream.taker, or resets it. */
  opened(stream: Stream, section: FieldSection, isLast: boolean): void;
  /** The connection is over: flush what is to be sent, and close. NO_ERROR: it was drained. */
  ended(errorCode: number, why: string): void;
  /** The peer has taken note of our settings. */
  settingsAcknowledged(): void;
}

const STREAM_WINDOW_BYTES = 512 * 1024;
const CONNECTION_WINDOW_BYTES = 1024 * 1024; // many streams upload at once
const OUTPUT_BYTES_MAX = 1024 * 1024; // what a peer that reads nothing may make us owe it

/**
 * An HTTP/2 connection (RFC 9113): frames in, requests or responses out, and what is to be written
 * comes together in `output`. It has no socket and no timer: who has those calls receive(), fill() and
 * output.take().
 *
 * Errors of one stream reset that stream; the rest end the connection with GOAWAY.
 */
export class Connection implements StreamHost {
  readonly role: "server" | "client";
  readonly output: FrameOutput;
  readonly encoder: HpackEncoder;
  readonly peer: PeerSettings;
  readonly limits: ConnectionLimits;
  readonly taker: ConnectionTaker;
  readonly table: StreamTable;
  readonly streamWindowBytes: number; // what a stream's window grows to while its body flows
  readonly #windowBytes: number; // what the connection's is brought back to
  readonly #handler: FrameHandler;
  readonly #budget: FloodBudget;
  readonly #ready: ReadyStreams;
  #sendWindow: number;
  #receiveWindow: number;
  #uncredited: number; // consumed, and the peer does not know it yet
  #hasEnded: boolean;
  #isDraining: boolean; // we are going away
  #isLeft: boolean; // the peer is

  constructor(role: "server" | "client", limits: ConnectionLimits, taker: ConnectionTaker) {
    this.role = role;
    this.output = new FrameOutput();
    this.encoder = new HpackEncoder();
    this.peer = new PeerSettings();
    this.limits = limits;
    this.taker = taker;
    this.table = new StreamTable(role, limits.streamsMax);
    this.streamWindowBytes = limits.streamWindowBytes ?? STREAM_WINDOW_BYTES;
    this.#windowBytes = limits.connectionWindowBytes ?? CONNECTION_WINDOW_BYTES;
    this.#handler = new FrameHandler(this);
    this.#budget = new FloodBudget(limits.floodPoints ?? POINTS_MAX);
    this.#ready = new ReadyStreams();
    this.#sendWindow = WINDOW_BYTES;
    this.#receiveWindow = WINDOW_BYTES;
    this.#uncredited = 0;
    this.#hasEnded = false;
    this.#isDraining = false;
    this.#isLeft = false;
  }

  /** What goes first. */
  start(): void {
    if (this.role === "client") this.output.raw(PREFACE);
    const { streamsMax, head } = this.limits;
    const own = { streamsMax, headerBytes: head.fieldBytes };
    this.output.settings(settingsPayload(this.role, own));
    this.output.windowUpdate(0, this.#windowBytes - WINDOW_BYTES);
    this.#receiveWindow = this.#windowBytes;
  }

  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  get isDraining(): boolean {
    return this.#isDraining;
  }

  /** Something other than a body has begun, and the peer owes us its end. */
  get isMidFrame(): boolean {
    return this.#handler.isMidFrame;
  }

  /** Goes up with every frame that is whole, a field block counted as one. */
  get wholeFrameCount(): number {
    return this.#handler.wholeCount;
  }

  /** Data waits that fill() would frame. */
  get needsFill(): boolean {
    return this.#sendWindow > 0 && !this.#ready.isEmpty;
  }

  /** Bytes from the wire, lent until the call returns. */
  receive(bytes: Buffer, nowMs: number): void {
    this.#budget.tick(nowMs);
    this.#handler.read(bytes);
    if (this.output.length > OUTPUT_BYTES_MAX) {
      this.fail(code.ENHANCE_YOUR_CALM, "it does not read what it asks for");
    }
  }

  /** Frames data that waits, as far as windows and output have room: one frame of each in turn. */
  fill(): void {
    for (;;) {
      const room = Math.min(this.output.room, this.#sendWindow);
      if (room <= 0) return;
      const stream = this.#ready.shift();
      if (stream === undefined) return;
      if (!stream.maySend) continue;
      const count = stream.fill(room);
      this.#sendWindow -= count; // before anyone hears of it, who may call this again
      if (count > 0) stream.framed(count);
      this.#budget.earn(DATA_FRAME_POINTS);
      if (stream.maySend) this.#ready.push(stream);
    }
  }

  /** Neither side is going away: there may be more streams. */
  get isStaying(): boolean {
    return !(this.#isDraining || this.#isLeft || this.#hasEnded) && this.table.hasOwnIdsLeft;
  }

  /** Asks the peer to show that it is there. */
  ping(): void {
    if (!this.#hasEnded) this.output.ping(0, LIVENESS_PING, 0);
  }

  /** A stream of ours, unless the peer has as many as it allows or is going away. */
  open(): Stream | undefined {
    const { table } = this;
    if (table.size >= this.peer.streamsMax || !this.isStaying) return undefined;
    const stream = new Stream(table.nextOwnId, this, this.peer.windowBytes);
    table.nextOwnId += 2;
    table.add(stream);
    return stream;
  }

  /**
   * No new streams, in two steps (§6.8): the first GOAWAY stops the peer from opening more, and only
   * when a PING shows that it has seen it, what came in the meantime is the last that is served.
   */
  drain(): void {
    if (this.#isDraining || this.#hasEnded) return;
    this.#isDraining = true;
    this.output.goAway(WINDOW_BYTES_MAX, code.NO_ERROR);
    this.output.ping(0, DRAIN_PING, 0);
  }

  /** The second step; of itself with the answer to the PING. */
  drainNow(): void {
    const { table } = this;
    if (this.#hasEnded || !table.acceptsAll) return;
    this.#isDraining = true;
    table.acceptedId = table.lastPeerId;
    this.output.goAway(table.lastPeerId, code.NO_ERROR);
    this.#endIfDrained();
  }

  /** The peer is going away: what is in flight is all there is. */
  peerLeaves(lastStreamId: number): void {
    this.#isLeft = true;
    // Of ours those above it were not worked on: whoever has one may try it elsewhere (§6.8).
    for (const stream of this.role === "client" ? this.table.all() : []) {
      if (stream.id > lastStreamId) stream.broken(code.REFUSED_STREAM, "GOAWAY", true);
    }
    this.#endIfDrained();
  }

  #endIfDrained(): void {
    if (this.table.size > 0 || this.#hasEnded) return;
    // A server that drains waits for its second step.
    const isDrained = this.#isDraining && (this.role === "client" || !this.table.acceptsAll);
    if (!isDrained && !this.#isLeft) return;
    this.#hasEnded = true;
    this.#handler.stop();
    this.taker.ended(code.NO_ERROR, "");
  }

  /** Ends the connection for a reason of ours, or for the peer's mistake. */
  fail(errorCode: number, why: string): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#handler.stop();
    this.output.goAway(this.table.lastPeerId, errorCode);
    for (const stream of this.table.all()) stream.broken(errorCode, why, true);
    this.taker.ended(errorCode, why);
  }

  // --- what streams ask ------------------------------------------------------------------------

  ready(stream: Stream): void {
    this.#ready.push(stream);
  }

  credit(bytes: number): void {
    this.#uncredited += bytes;
    if (this.#uncredited * 2 < this.#windowBytes || this.#hasEnded) return;
    this.output.windowUpdate(0, this.#uncredited);
    this.#receiveWindow += this.#uncredited;
    this.#uncredited = 0;
  }

  over(stream: Stream, isReset: boolean): void {
    this.table.delete(stream.id);
    if (isReset) this.table.setReset(stream.id);
    this.#endIfDrained();
  }

  answered(): void {
    this.#budget.earn(ANSWERED_POINTS);
  }

  // --- what frames do --------------------------------------------------------------------------

  /** DATA has come; false: more than there may be. */
  narrow(bytes: number): boolean {
    this.#receiveWindow -= bytes;
    if (this.#receiveWindow >= 0) return true;
    this.fail(code.FLOW_CONTROL_ERROR, "DATA beyond the connection's window");
    return false;
  }

  /** The peer takes more. */
  widen(bytes: number): void {
    this.#sendWindow += bytes;
    if (this.#sendWindow > WINDOW_BYTES_MAX) {
      this.fail(code.FLOW_CONTROL_ERROR, "a window beyond 2^31-1");
    }
  }

  /** Resets one stream for what the peer did on it (made you reset, SECURITY D3). */
  streamError(id: number, errorCode: number, why: string): void {
    if (this.#hasEnded || !this.spend(STREAM_ERROR_POINTS)) return;
    const stream = this.table.get(id);
    if (stream === undefined) {
      const where = this.table.whereIs(id);
      // A reset of a stream that nobody opened is itself a mistake (§6.4).
      if (where === "new" || where === "idle") {
        this.fail(errorCode, why);
        return;
      }
      this.table.setReset(id);
    }
    this.output.reset(id, errorCode);
    stream?.broken(errorCode, why, false);
  }

  /** A frame that was work for us; false: one too many. */
  spend(points: number): boolean {
    if (this.#budget.spend(points)) return true;
    this.fail(code.ENHANCE_YOUR_CALM, "too many frames that do no work");
    return false;
  }
}
