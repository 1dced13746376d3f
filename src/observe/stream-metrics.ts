import { FAULTS, type FaultCode } from "../core/fault.ts";
import type { Session, StreamMeter, StreamPlan } from "../core/stream.ts";
import type { Exposition } from "./exposition.ts";
import type { Block, BlockShape, MetricBank } from "./metric-bank.ts";

const CODES = Object.keys(FAULTS) as readonly FaultCode[];

// A stream's block.
const STARTED = 0;
const OPEN = 1;
const RECEIVED = 2;
const SENT = 3;
const STREAM_FAULTS = 4;

const STREAM: BlockShape = {
  kind: "stream",
  labels: ["stream"],
  cellCount: STREAM_FAULTS + CODES.length,
};

/** What one thread counts below HTTP. */
export class StreamMetrics {
  readonly #bank: MetricBank;
  readonly #blocks: WeakMap<StreamPlan, number>;

  constructor(bank: MetricBank) {
    this.#bank = bank;
    this.#blocks = new WeakMap();
  }

  declare(streams: readonly string[]): void {
    for (const name of streams) this.#bank.block(STREAM, [name]);
  }

  started({ stream }: Session): void {
    const at = this.#blockOf(stream);
    this.#bank.cells[at + STARTED]!++;
    this.#bank.cells[at + OPEN]!++;
  }

  ended({ stream, fault }: Session): void {
    const at = this.#blockOf(stream);
    this.#bank.cells[at + OPEN]!--;
    if (fault !== undefined) this.#bank.cells[at + STREAM_FAULTS + CODES.indexOf(fault.code)]!++;
  }

  /** Ask once per session and keep it. */
  meter(stream: StreamPlan): StreamMeter {
    const at = this.#blockOf(stream);
    const bank = this.#bank; // its cells may be replaced
    return {
      received: (bytes) => {
        bank.cells[at + RECEIVED]! += bytes;
      },
      sent: (bytes) => {
        bank.cells[at + SENT]! += bytes;
      },
    };
  }

  #blockOf(stream: StreamPlan): number {
    const known = this.#blocks.get(stream);
    if (known !== undefined) return known;
    const at = this.#bank.block(STREAM, [stream.name]);
    this.#blocks.set(stream, at);
    return at;
  }
}

export function renderStream(out: Exposition, cells: Float64Array, { labels, at }: Block): void {
  out.sample("streamSessions", labels, cells[at + STARTED]!);
  out.sample("streamSessionsOpen", labels, cells[at + OPEN]!);
  out.sample("streamReceived", labels, cells[at + RECEIVED]!);
  out.sample("streamSent", labels, cells[at + SENT]!);
  for (const [index, code] of CODES.entries()) {
    const count = cells[at + STREAM_FAULTS + index]!;
    if (count > 0) out.sample("streamFaults", [...labels, FAULTS[code].side, code], count);
  }
}
