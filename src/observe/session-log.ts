import type { Clock } from "../base/world.ts";
import type { Session } from "../core/stream.ts";
import type { RefusedConnection } from "../core/worker.ts";
import { ESCAPED_BYTES_MAX, putText } from "./json-bytes.ts";
import type { LogSink } from "./log-sink.ts";

const FIELD_CHARS_MAX = 256; // names of hosts and reasons; a log must not be a way to fill the disk
const LINE_BYTES_MAX = 16 * FIELD_CHARS_MAX * ESCAPED_BYTES_MAX;

type Value = string | number;

/**
 * One JSON line for each session of a stream that has ended, in the access log beside those of
 * exchanges. There are few of them next to the bytes they carry, so they are written plainly.
 */
export class SessionLog {
  readonly #clock: Clock;
  readonly #sink: LogSink;

  constructor(clock: Clock, sink: LogSink) {
    this.#clock = clock;
    this.#sink = sink;
  }

  ended(session: Session): void {
    const { client, stream, fault, endpoint } = session;
    this.#put([
      ["time", this.#timeOf(session.endedMs)],
      ["id", session.id],
      ["client", client.address],
      ["wire", client.wireAddress === client.address ? "" : client.wireAddress],
      ["protocol", session.protocol],
      ["stream", stream.name],
      ["sni", session.serverName],
      ["fault", fault?.code ?? ""],
      ["fault_detail", fault?.detail ?? ""],
      ["upstream", stream.upstream.name],
      ["endpoint", endpoint?.name ?? ""],
      ["attempts", session.attempts],
      ["bytes_in", session.bytesIn],
      ["bytes_out", session.bytesOut],
      ["connect_ms", session.connectedMs === 0 ? "" : ms(session.startedMs, session.connectedMs)],
      ["total_ms", ms(session.startedMs, session.endedMs)],
    ]);
  }

  /** A connection that came to an end before it was known what it was for. */
  refused(listenerKey: string, refused: RefusedConnection, endedMs: number): void {
    this.#put([
      ["time", this.#timeOf(endedMs)],
      ["client", refused.address],
      ["listener", listenerKey],
      ["fault", refused.fault.code],
      ["fault_detail", refused.fault.detail],
      ["total_ms", ms(refused.startedMs, endedMs)],
    ]);
  }

  #timeOf(atMs: number): string {
    const wallMs = atMs + this.#clock.wallMs() - this.#clock.nowMs();
    return new Date(Math.floor(wallMs)).toISOString();
  }

  #put(fields: readonly (readonly [string, Value])[]): void {
    const sink = this.#sink;
    if (!sink.reserve(LINE_BYTES_MAX)) return;
    let at = sink.at;
    let before = "{";
    for (const [key, value] of fields) {
      if (value === "") continue;
      at = putAscii(sink.block, at, `${before}"${key}":`);
      if (typeof value === "number") at = putAscii(sink.block, at, String(value));
      else {
        at = putAscii(sink.block, at, '"');
        at = putText(sink.block, at, value, 0, Math.min(value.length, FIELD_CHARS_MAX));
        at = putAscii(sink.block, at, '"');
      }
      before = ",";
    }
    sink.commit(putAscii(sink.block, at, "}\n"));
  }
}

function putAscii(block: Buffer, at: number, text: string): number {
  return at + block.write(text, at, "latin1");
}

/** With three decimals, and never below zero. */
function ms(fromMs: number, toMs: number): number {
  return Math.max(0, Math.round((toMs - fromMs) * 1000) / 1000);
}
