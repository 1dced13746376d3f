import type { Connection } from "./connection.ts";
import * as code from "./error-code.ts";
import { FieldSection, type SectionLimits } from "./field-section.ts";
import {
  EMPTY_DATA_POINTS,
  GOAWAY_POINTS,
  LATE_FRAME_POINTS,
  PING_POINTS,
  PRIORITY_POINTS,
  REFUSED_POINTS,
  RESET_POINTS,
  SETTINGS_POINTS,
  UNKNOWN_FRAME_POINTS,
  WINDOW_UPDATE_POINTS,
} from "./flood-budget.ts";
import { FrameReader, type FrameTaker } from "./frame-reader.ts";
import { frameError } from "./frame-rules.ts";
import * as type from "./frame-type.ts";
import { HeaderBlock } from "./header-block.ts";
import { HpackDecoder } from "./hpack-decoder.ts";
import { WINDOW_BYTES_MAX } from "./settings.ts";
import { Stream } from "./stream.ts";

const NOTHING: SectionLimits = { fieldBytes: 0, fieldCount: 0 };
const PRIORITY_BYTES = 5;

/**
 * What each frame of the peer does to a connection and its streams. Field blocks are decoded whatever
 * becomes of their stream, since all share one table.
 */
export class FrameHandler implements FrameTaker {
  readonly #connection: Connection;
  readonly #reader: FrameReader;
  readonly #decoder: HpackDecoder;
  readonly #block: HeaderBlock;
  #hasSettings: boolean; // the peer's first frame has come
  #dataStream: Stream | undefined; // of the DATA frame that is being read; undefined: ignored
  #dataIsLast: boolean;
  wholeCount: number; // frames that have come to their end, a field block as one

  constructor(connection: Connection) {
    this.#connection = connection;
    this.#reader = new FrameReader(this, connection.role === "server");
    this.#decoder = new HpackDecoder();
    this.#block = new HeaderBlock(connection.limits.head.fieldBytes);
    this.#hasSettings = false;
    this.#dataStream = undefined;
    this.#dataIsLast = false;
    this.wholeCount = 0;
  }

  get isMidFrame(): boolean {
    return this.#reader.isMidFrame || this.#block.streamId !== 0;
  }

  read(bytes: Buffer): void {
    this.#reader.read(bytes);
  }

  stop(): void {
    this.#reader.stop();
  }

  framesBroken(errorCode: number, why: string): void {
    this.#connection.fail(errorCode, why);
  }

  frame(kind: number, flags: number, id: number, bytes: Buffer, at: number, end: number): void {
    if (!this.#isInOrder(kind, flags, id)) return;
    const errorCode = frameError(kind, flags, id, end - at);
    if (errorCode !== code.NO_ERROR) {
      this.#connection.fail(errorCode, `frame type ${kind}, ${end - at} bytes, stream ${id}`);
      return;
    }
    if (kind !== type.HEADERS && kind !== type.CONTINUATION) this.wholeCount++;
    switch (kind) {
      case type.HEADERS:
        this.#headers(flags, id, bytes, at, end);
        break;
      case type.CONTINUATION:
        this.#continuation(flags, bytes, at, end);
        break;
      case type.WINDOW_UPDATE:
        this.#windowUpdate(id, bytes.readUInt32BE(at) & WINDOW_BYTES_MAX);
        break;
      case type.RST_STREAM:
        this.#reset(id, bytes.readUInt32BE(at));
        break;
      case type.SETTINGS:
        if ((flags & type.ACK) === 0) this.#settings(bytes, at, end);
        else this.#connection.taker.settingsAcknowledged();
        break;
      case type.PING:
        this.#ping(flags, bytes, at);
        break;
      case type.PRIORITY:
        this.#priority(id, bytes, at, end);
        break;
      case type.GOAWAY:
        if (!this.#connection.spend(GOAWAY_POINTS)) break;
        this.#connection.peerLeaves(bytes.readUInt32BE(at) & WINDOW_BYTES_MAX);
        break;
      case type.PUSH_PROMISE: // a client never does, and a server was told not to
        this.#connection.fail(code.PROTOCOL_ERROR, "PUSH_PROMISE");
        break;
      default: // §5.5: unknown types are ignored
        this.#connection.spend(UNKNOWN_FRAME_POINTS);
    }
  }

  /** §3.4: SETTINGS is first. §6.10: nothing comes between HEADERS and their CONTINUATION. */
  #isInOrder(kind: number, flags: number, id: number): boolean {
    if (!this.#hasSettings && (kind !== type.SETTINGS || (flags & type.ACK) !== 0)) {
      this.#connection.fail(code.PROTOCOL_ERROR, "the first frame is not SETTINGS");
      return false;
    }
    const awaited = this.#block.streamId;
    const isContinuation = kind === type.CONTINUATION;
    if (awaited === 0 ? !isContinuation : isContinuation && id === awaited) return true;
    this.#connection.fail(code.PROTOCOL_ERROR, "CONTINUATION out of its place");
    return false;
  }

  // --- field blocks ----------------------------------------------------------------------------

  #headers(flags: number, id: number, bytes: Buffer, at: number, end: number): void {
    const errorCode = this.#block.begin(flags, id, bytes, at, end);
    if (errorCode !== code.NO_ERROR) this.#connection.fail(errorCode, "HEADERS");
    else if (this.#block.whole !== undefined) this.#blockRead(id);
  }

  #continuation(flags: number, bytes: Buffer, at: number, end: number): void {
    const id = this.#block.streamId;
    const errorCode = this.#block.goOn(flags, bytes, at, end);
    if (errorCode !== code.NO_ERROR) this.#connection.fail(errorCode, "CONTINUATION flood");
    else if (this.#block.whole !== undefined) this.#blockRead(id);
  }

  #blockRead(id: number): void {
    this.wholeCount++;
    const { isLast, dependsOn } = this.#block;
    const stream = this.#connection.table.get(id);
    if (stream !== undefined) this.#blockOn(stream, isLast);
    else this.#blockElsewhere(id, isLast);
    if (dependsOn === id) this.#dependsOnItself(id);
  }

  #blockOn(stream: Stream, isLast: boolean): void {
    const isHead = !stream.hasHead;
    const section = this.#decode(isHead, stream.isRemoteEnded);
    if (section === undefined) return;
    const { id } = stream;
    if (stream.isRemoteEnded) {
      this.#connection.streamError(id, code.STREAM_CLOSED, "HEADERS behind the end");
    } else if (isHead) {
      stream.taker?.head(section, isLast);
      if (isLast && !stream.isOver) this.#remoteEnded(stream, undefined);
    } else if (!isLast) {
      this.#connection.streamError(id, code.PROTOCOL_ERROR, "trailers without an end");
    } else if (section.problem !== "" || section.isTooLarge) {
      const why = `trailers: ${section.problem || "too large"}`;
      this.#connection.streamError(id, code.PROTOCOL_ERROR, why);
    } else this.#remoteEnded(stream, section);
  }

  #blockElsewhere(id: number, isLast: boolean): void {
    const { table } = this.#connection;
    switch (table.whereIs(id)) {
      case "new":
        this.#open(id, isLast);
        break;
      case "reset":
        if (this.#decode(false, true) !== undefined) this.#connection.spend(LATE_FRAME_POINTS);
        break;
      case "idle":
        this.#connection.fail(code.PROTOCOL_ERROR, `HEADERS on stream ${id}`);
        break;
      case "closed": {
        // §5.1.1: lower than the last may be one that was never there, which is the worse mistake.
        const isLower = this.#connection.role === "server" && id < table.lastPeerId;
        const errorCode = isLower ? code.PROTOCOL_ERROR : code.STREAM_CLOSED;
        this.#connection.fail(errorCode, `HEADERS on stream ${id}`);
      }
    }
  }

  #open(id: number, isLast: boolean): void {
    const connection = this.#connection;
    const { table, limits } = connection;
    table.lastPeerId = id;
    const isRefused = id > table.acceptedId || table.size >= limits.streamsMax;
    const section = this.#decode(true, isRefused);
    if (section === undefined) return;
    if (isRefused) {
      table.setReset(id);
      // §6.8: of streams beyond our GOAWAY the client knows already.
      if (id <= table.acceptedId) connection.output.reset(id, code.REFUSED_STREAM);
      connection.spend(REFUSED_POINTS);
      return;
    }
    const stream = new Stream(id, connection, connection.peer.windowBytes);
    stream.hasHead = true;
    stream.isRemoteEnded = isLast;
    table.add(stream);
    if (id >= 2 * limits.streamsPerConnection) connection.drain();
    connection.taker.opened(stream, section, isLast);
  }

  /** Reads the block that is there; undefined if the connection is lost. `drops`: keeps nothing. */
  #decode(isHead: boolean, drops: boolean): FieldSection | undefined {
    const block = this.#block;
    const { limits, role } = this.#connection;
    const kept = isHead ? limits.head : limits.trailers;
    const headOf = role === "server" ? "request" : "response";
    const section = new FieldSection(drops ? NOTHING : kept, isHead ? headOf : "none");
    const isSound = this.#decoder.decode(block.whole!, block.at, block.end, section);
    block.whole = undefined;
    if (isSound) return section;
    this.#connection.fail(code.COMPRESSION_ERROR, "a field block");
    return undefined;
  }

  #remoteEnded(stream: Stream, trailers: FieldSection | undefined): void {
    // Content-Length said how much; a request that is one byte off is two to someone (S5).
    if (stream.bytesLeft !== 0 && stream.bytesLeft !== Number.POSITIVE_INFINITY) {
      const why = "less data than content-length";
      this.#connection.streamError(stream.id, code.PROTOCOL_ERROR, why);
      return;
    }
    stream.remoteEnded(trailers?.headers());
  }

  // --- data ------------------------------------------------------------------------------------

  dataBegan(id: number, bytes: number, padding: number, isLast: boolean): void {
    const connection = this.#connection;
    this.#dataStream = undefined;
    if (!this.#isInOrder(type.DATA, 0, id) || !connection.narrow(bytes)) return;
    const stream = connection.table.get(id);
    if (stream === undefined) {
      this.#dataElsewhere(id, bytes);
      return;
    }
    if (bytes === padding && !isLast && !connection.spend(EMPTY_DATA_POINTS)) return;
    if (stream.isRemoteEnded) {
      connection.streamError(id, code.STREAM_CLOSED, "DATA behind the end");
    } else if (!stream.hasHead) {
      connection.streamError(id, code.PROTOCOL_ERROR, "DATA before the head");
    } else if (bytes > stream.receiveWindow) {
      connection.streamError(id, code.FLOW_CONTROL_ERROR, "DATA beyond the stream's window");
    } else if (bytes - padding > stream.bytesLeft) {
      connection.streamError(id, code.PROTOCOL_ERROR, "more data than content-length");
    } else {
      stream.dataBegan(bytes, padding);
      this.#dataStream = stream;
      this.#dataIsLast = isLast;
      return;
    }
    connection.credit(bytes);
  }

  #dataElsewhere(id: number, bytes: number): void {
    const where = this.#connection.table.whereIs(id);
    if (where === "reset") {
      this.#connection.credit(bytes);
      this.#connection.spend(LATE_FRAME_POINTS);
    } else {
      const errorCode = where === "closed" ? code.STREAM_CLOSED : code.PROTOCOL_ERROR;
      this.#connection.fail(errorCode, `DATA on stream ${id}`);
    }
  }

  dataBytes(bytes: Buffer): void {
    this.#dataStream?.taker?.data(bytes);
  }

  dataEnded(): void {
    const stream = this.#dataStream;
    this.#dataStream = undefined;
    this.wholeCount++;
    if (stream !== undefined && this.#dataIsLast && !stream.isOver) {
      this.#remoteEnded(stream, undefined);
    }
  }

  // --- the rest --------------------------------------------------------------------------------

  #reset(id: number, errorCode: number): void {
    const connection = this.#connection;
    const stream = connection.table.get(id);
    if (stream !== undefined) {
      if (connection.spend(RESET_POINTS)) stream.broken(errorCode, "", true);
    } else if (this.#isLate(id, "RST_STREAM")) connection.spend(LATE_FRAME_POINTS);
  }

  #windowUpdate(id: number, bytes: number): void {
    const connection = this.#connection;
    const stream = connection.table.get(id);
    if (id === 0) {
      if (bytes === 0) connection.fail(code.PROTOCOL_ERROR, "WINDOW_UPDATE of nothing");
      else if (connection.spend(WINDOW_UPDATE_POINTS)) connection.widen(bytes);
    } else if (stream === undefined) {
      if (this.#isLate(id, "WINDOW_UPDATE")) connection.spend(LATE_FRAME_POINTS);
    } else if (bytes === 0) {
      connection.streamError(id, code.PROTOCOL_ERROR, "WINDOW_UPDATE of nothing");
    } else if (connection.spend(WINDOW_UPDATE_POINTS) && !stream.widen(bytes)) {
      connection.streamError(id, code.FLOW_CONTROL_ERROR, "a window beyond 2^31-1");
    }
  }

  /** A frame on a stream that is over may have been on its way; on one that never was, not. */
  #isLate(id: number, name: string): boolean {
    const where = this.#connection.table.whereIs(id);
    if (where === "reset" || where === "closed") return true;
    this.#connection.fail(code.PROTOCOL_ERROR, `${name} on stream ${id}`);
    return false;
  }

  #settings(bytes: Buffer, at: number, end: number): void {
    const connection = this.#connection;
    const { peer } = connection;
    this.#hasSettings = true;
    const before = peer.windowBytes;
    const errorCode = peer.read(bytes, at, end);
    if (errorCode !== code.NO_ERROR) {
      connection.fail(errorCode, "SETTINGS");
      return;
    }
    connection.encoder.resize(peer.tableBytes);
    const change = peer.windowBytes - before; // §6.9.2: of streams that are open, too
    for (const stream of change === 0 ? [] : connection.table.all()) {
      if (!stream.widen(change)) {
        connection.fail(code.FLOW_CONTROL_ERROR, "SETTINGS: a window beyond 2^31-1");
        return;
      }
    }
    connection.output.settingsAck();
    connection.spend(SETTINGS_POINTS);
  }

  #ping(flags: number, bytes: Buffer, at: number): void {
    const connection = this.#connection;
    if ((flags & type.ACK) === 0) {
      if (connection.spend(PING_POINTS)) connection.output.ping(type.ACK, bytes, at);
    } else if (connection.isDraining && bytes.compare(type.DRAIN_PING, 0, 8, at, at + 8) === 0) {
      connection.drainNow();
    }
  }

  #priority(id: number, bytes: Buffer, at: number, end: number): void {
    if (end - at !== PRIORITY_BYTES) {
      this.#connection.streamError(id, code.FRAME_SIZE_ERROR, "PRIORITY");
    } else if ((bytes.readUInt32BE(at) & WINDOW_BYTES_MAX) === id) this.#dependsOnItself(id);
    else this.#connection.spend(PRIORITY_POINTS);
  }

  /** RFC 7540 §5.3.1; RFC 9113 has done away with priorities, and with this not quite. */
  #dependsOnItself(id: number): void {
    this.#connection.streamError(id, code.PROTOCOL_ERROR, "it depends on itself");
  }
}
