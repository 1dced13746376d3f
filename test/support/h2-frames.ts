/** HTTP/2 frames as bytes, and bytes as a list of frames that a test can compare. */
import { type Field, fieldName, Field as NewField } from "../../src/protocol/h2/field.ts";
import { HpackDecoder } from "../../src/protocol/h2/hpack-decoder.ts";

export const DATA = 0;
export const HEADERS = 1;
export const PRIORITY = 2;
export const RST_STREAM = 3;
export const SETTINGS = 4;
export const PUSH_PROMISE = 5;
export const PING = 6;
export const GOAWAY = 7;
export const WINDOW_UPDATE = 8;
export const CONTINUATION = 9;

export const END_STREAM = 1;
export const ACK = 1;
export const END_HEADERS = 4;
export const PADDED = 8;

export const PREFACE = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "latin1");

export type Pair = readonly [name: string, value: string];

export function frame(kind: number, flags: number, id: number, payload: Uint8Array | string = "") {
  const bytes = typeof payload === "string" ? Buffer.from(payload, "latin1") : payload;
  const head = Buffer.alloc(9);
  head.writeUIntBE(bytes.length, 0, 3);
  head[3] = kind;
  head[4] = flags;
  head.writeUInt32BE(id, 5);
  return Buffer.concat([head, bytes]);
}

export function word(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

export function settings(rows: readonly (readonly [id: number, value: number])[] = []): Buffer {
  const payload = Buffer.alloc(rows.length * 6);
  for (const [row, [id, value]] of rows.entries()) {
    payload.writeUInt16BE(id, row * 6);
    payload.writeUInt32BE(value, row * 6 + 2);
  }
  return frame(SETTINGS, 0, 0, payload);
}

/** A field block of plain literals, which no table remembers; names and values of up to 16 KiB. */
export function block(pairs: readonly Pair[]): Buffer {
  return Buffer.concat(pairs.flatMap(([name, value]) => [Buffer.of(0), text(name), text(value)]));
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value, "latin1");
  if (bytes.length < 127) return Buffer.concat([Buffer.of(bytes.length), bytes]);
  const rest = bytes.length - 127;
  const length = rest < 128 ? Buffer.of(127, rest) : Buffer.of(127, (rest & 127) | 128, rest >> 7);
  return Buffer.concat([length, bytes]);
}

export const GET: readonly Pair[] = [
  [":method", "GET"],
  [":scheme", "http"],
  [":path", "/"],
  [":authority", "a.test"],
];
export const POST: readonly Pair[] = [[":method", "POST"], ...GET.slice(1)];

/** A whole head in one frame. */
export function headers(id: number, pairs: readonly Pair[] = GET, flags = END_STREAM): Buffer {
  return frame(HEADERS, flags | END_HEADERS, id, block(pairs));
}

const TYPES = [
  ...["DATA", "HEADERS", "PRIORITY", "RST_STREAM", "SETTINGS", "PUSH_PROMISE", "PING", "GOAWAY"],
  ...["WINDOW_UPDATE", "CONTINUATION"],
];
const CODES = [
  ...["NO_ERROR", "PROTOCOL_ERROR", "INTERNAL_ERROR", "FLOW_CONTROL_ERROR", "SETTINGS_TIMEOUT"],
  ...["STREAM_CLOSED", "FRAME_SIZE_ERROR", "REFUSED_STREAM", "CANCEL", "COMPRESSION_ERROR"],
  ...["CONNECT_ERROR", "ENHANCE_YOUR_CALM", "INADEQUATE_SECURITY", "HTTP_1_1_REQUIRED"],
];

/**
 * Reads the frames of one peer as they come, into lines: "HEADERS 1 END :status=200 …",
 * "DATA 1 END hello", "RST_STREAM 1 CANCEL", "GOAWAY PROTOCOL_ERROR", and the like.
 */
export class FrameLog {
  readonly lines: string[] = [];
  readonly #decoder = new HpackDecoder();
  #held = Buffer.alloc(0);
  #block: Buffer[] = [];
  #blockIsLast = false;

  feed(bytes: Uint8Array): void {
    this.#held = Buffer.concat([this.#held, bytes]);
    for (;;) {
      const held = this.#held;
      if (held.length < 9) return;
      const end = 9 + held.readUIntBE(0, 3);
      if (held.length < end) return;
      this.#held = held.subarray(end);
      this.#frame(held[3]!, held[4]!, held.readUInt32BE(5), held.subarray(9, end));
    }
  }

  /** Those that begin so. */
  of(start: string): string[] {
    return this.lines.filter((line) => line.startsWith(start));
  }

  /** All data of one stream. */
  data(id: number): string {
    return this.of(`DATA ${id} `)
      .map((line) => line.replace(/^DATA \d+ (?:END )?/, ""))
      .join("");
  }

  #frame(kind: number, flags: number, id: number, payload: Buffer): void {
    const end = (flags & END_STREAM) !== 0 ? "END " : "";
    switch (kind) {
      case HEADERS:
      case CONTINUATION:
        if (kind === HEADERS) this.#blockIsLast = end !== "";
        this.#block.push(payload);
        if ((flags & END_HEADERS) !== 0) this.#endBlock(id);
        break;
      case DATA:
        this.lines.push(`DATA ${id} ${end}${payload.toString("latin1")}`);
        break;
      case RST_STREAM:
        this.lines.push(`RST_STREAM ${id} ${CODES[payload.readUInt32BE(0)]}`);
        break;
      case GOAWAY:
        this.lines.push(`GOAWAY ${payload.readUInt32BE(0)} ${CODES[payload.readUInt32BE(4)]}`);
        break;
      case WINDOW_UPDATE:
        this.lines.push(`WINDOW_UPDATE ${id} ${payload.readUInt32BE(0)}`);
        break;
      default:
        this.lines.push(`${TYPES[kind]}${(flags & ACK) !== 0 ? " ACK" : ""}`);
    }
  }

  #endBlock(id: number): void {
    const fields: string[] = [];
    const whole = Buffer.concat(this.#block);
    this.#block = [];
    const isSound = this.#decoder.decode(whole, 0, whole.length, {
      field: ({ name, value }: Field) => fields.push(`${name.text}=${value}`),
    });
    const end = this.#blockIsLast ? "END " : "";
    this.lines.push(`HEADERS ${id} ${end}${isSound ? fields.join(" ") : "MALFORMED"}`);
  }
}

/** A field as a decoder makes it. */
export function field(name: string, value: string): Field {
  return new NewField(fieldName(name), value);
}
