import { FRAME_SIZE_ERROR, NO_ERROR, PROTOCOL_ERROR } from "./error-code.ts";
import * as type from "./frame-type.ts";

const NEEDS_STREAM = 1;
const NEEDS_CONNECTION = 2;

// RFC 9113 §6: what a frame is about, and how long its payload is.
const ABOUT = new Uint8Array(10);
for (const kind of [
  type.DATA,
  type.HEADERS,
  type.PRIORITY,
  type.RST_STREAM,
  type.PUSH_PROMISE,
  type.CONTINUATION,
]) {
  ABOUT[kind] = NEEDS_STREAM;
}
for (const kind of [type.SETTINGS, type.PING, type.GOAWAY]) ABOUT[kind] = NEEDS_CONNECTION;

const BYTES = new Map([
  [type.RST_STREAM, 4],
  [type.WINDOW_UPDATE, 4],
  [type.PING, 8],
]);
const GOAWAY_BYTES_MIN = 8;
const SETTING_BYTES = 6;

/** What is wrong with a frame that nothing more is known of; NO_ERROR if nothing is. */
export function frameError(kind: number, flags: number, id: number, length: number): number {
  const about = ABOUT[kind];
  if (about === NEEDS_STREAM && id === 0) return PROTOCOL_ERROR;
  if (about === NEEDS_CONNECTION && id !== 0) return PROTOCOL_ERROR;
  const bytes = BYTES.get(kind);
  if (bytes !== undefined && length !== bytes) return FRAME_SIZE_ERROR;
  if (kind === type.GOAWAY && length < GOAWAY_BYTES_MIN) return FRAME_SIZE_ERROR;
  if (kind === type.SETTINGS) {
    const isAck = (flags & type.ACK) !== 0;
    if (isAck ? length > 0 : length % SETTING_BYTES !== 0) return FRAME_SIZE_ERROR;
  }
  return NO_ERROR;
}
