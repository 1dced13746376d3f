import { FLOW_CONTROL_ERROR, NO_ERROR, PROTOCOL_ERROR } from "./error-code.ts";

// RFC 9113 §6.5.2, RFC 8441, RFC 9218.
const HEADER_TABLE_SIZE = 0x1;
const ENABLE_PUSH = 0x2;
const MAX_CONCURRENT_STREAMS = 0x3;
const INITIAL_WINDOW_SIZE = 0x4;
const MAX_FRAME_SIZE = 0x5;
const MAX_HEADER_LIST_SIZE = 0x6;
const ENABLE_CONNECT_PROTOCOL = 0x8;
const NO_RFC7540_PRIORITIES = 0x9;

export const SETTING_BYTES = 6;
export const WINDOW_BYTES = 65_535; // of a stream and of the connection, until somebody says more
export const WINDOW_BYTES_MAX = 0x7fffffff;
export const FRAME_BYTES_MAX = 16_384; // what we take, and more than that we never send
const FRAME_BYTES_LIMIT = 0xffffff;

/** What the peer allows us. */
export class PeerSettings {
  tableBytes: number;
  streamsMax: number;
  windowBytes: number; // of a new stream
  frameBytes: number;
  takesTunnels: boolean; // streams may leave HTTP (RFC 8441)
  isKnown: boolean; // it has said something

  constructor() {
    this.tableBytes = 4096;
    this.streamsMax = Number.POSITIVE_INFINITY;
    this.windowBytes = WINDOW_BYTES;
    this.frameBytes = FRAME_BYTES_MAX;
    this.takesTunnels = false;
    this.isKnown = false;
  }

  /** Reads the payload of a SETTINGS frame, bytes[at..end); answers with an error code. */
  read(bytes: Buffer, at: number, end: number): number {
    this.isKnown = true;
    for (let next = at; next < end; next += SETTING_BYTES) {
      const value = bytes.readUInt32BE(next + 2);
      switch (bytes.readUInt16BE(next)) {
        case HEADER_TABLE_SIZE:
          this.tableBytes = value;
          break;
        case ENABLE_PUSH:
          if (value > 1) return PROTOCOL_ERROR;
          break; // we never push
        case MAX_CONCURRENT_STREAMS:
          this.streamsMax = value;
          break;
        case INITIAL_WINDOW_SIZE:
          if (value > WINDOW_BYTES_MAX) return FLOW_CONTROL_ERROR;
          this.windowBytes = value;
          break;
        case MAX_FRAME_SIZE:
          if (value < FRAME_BYTES_MAX || value > FRAME_BYTES_LIMIT) return PROTOCOL_ERROR;
          this.frameBytes = FRAME_BYTES_MAX; // smaller ones share a connection better
          break;
        case ENABLE_CONNECT_PROTOCOL:
          if (value > 1) return PROTOCOL_ERROR;
          this.takesTunnels ||= value === 1; // RFC 8441 §3: it must not be taken back
          break;
        default: // §6.5.2: what we do not know is ignored; MAX_HEADER_LIST_SIZE is advice
          break;
      }
    }
    return NO_ERROR;
  }
}

export interface OwnSettings {
  readonly streamsMax: number;
  readonly headerBytes: number; // MAX_HEADER_LIST_SIZE
}

/** The payload of our own SETTINGS frame; the window and frame sizes stay as they are. */
export function settingsPayload(role: "server" | "client", own: OwnSettings): Buffer {
  const rows =
    role === "server"
      ? [
          [MAX_CONCURRENT_STREAMS, own.streamsMax],
          [MAX_HEADER_LIST_SIZE, own.headerBytes],
          [ENABLE_CONNECT_PROTOCOL, 1], // WebSockets
          [NO_RFC7540_PRIORITIES, 1],
        ]
      : [
          [ENABLE_PUSH, 0],
          [MAX_HEADER_LIST_SIZE, own.headerBytes],
        ];
  const payload = Buffer.alloc(rows.length * SETTING_BYTES);
  for (const [row, [id, value]] of rows.entries()) {
    payload.writeUInt16BE(id!, row * SETTING_BYTES);
    payload.writeUInt32BE(value!, row * SETTING_BYTES + 2);
  }
  return payload;
}
