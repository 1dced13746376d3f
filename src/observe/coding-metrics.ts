import type { Exchange } from "../core/exchange.ts";
import { PLAIN_REASONS } from "../protocol/http/coding-choice.ts";
import type { Exposition } from "./exposition.ts";
import type { Block, BlockShape, MetricBank } from "./metric-bank.ts";

// A coding's block.
const RESPONSES = 0;
const RESPONSE_PLAIN = 1;
const RESPONSE_CODED = 2;
const REQUESTS = 3;
const REQUEST_CODED = 4;
const REQUEST_PLAIN = 5;

const CODING: BlockShape = { kind: "coding", labels: ["coding"], cellCount: REQUEST_PLAIN + 1 };
const PLAIN: BlockShape = { kind: "plain", labels: [], cellCount: PLAIN_REASONS.length };

/** What one thread counts of compression, either way. */
export class CodingMetrics {
  readonly #bank: MetricBank;

  constructor(bank: MetricBank) {
    this.#bank = bank;
  }

  /** Of an exchange that has ended, on a route that compresses or decompresses. */
  ended({ compression, decompression, requestBytes, responseBytes }: Exchange): void {
    if (compression?.coding !== undefined && compression.plainBytes > 0) {
      const at = this.#bank.block(CODING, [compression.coding]);
      this.#bank.cells[at + RESPONSES]!++;
      this.#bank.cells[at + RESPONSE_PLAIN]! += compression.plainBytes;
      this.#bank.cells[at + RESPONSE_CODED]! += responseBytes;
    } else if (compression?.why !== undefined) {
      const at = this.#bank.block(PLAIN, []);
      this.#bank.cells[at + PLAIN_REASONS.indexOf(compression.why)]!++;
    }
    if (decompression === undefined) return;
    const at = this.#bank.block(CODING, [decompression.coding]);
    this.#bank.cells[at + REQUESTS]!++;
    this.#bank.cells[at + REQUEST_CODED]! += requestBytes;
    this.#bank.cells[at + REQUEST_PLAIN]! += decompression.plainBytes;
  }
}

export function renderCoding(out: Exposition, cells: Float64Array, { labels, at }: Block): void {
  if (cells[at + RESPONSES]! > 0) {
    out.sample("compressed", labels, cells[at + RESPONSES]!);
    out.sample("compressedPlain", labels, cells[at + RESPONSE_PLAIN]!);
    out.sample("compressedBytes", labels, cells[at + RESPONSE_CODED]!);
  }
  if (cells[at + REQUESTS]! > 0) {
    out.sample("decompressed", labels, cells[at + REQUESTS]!);
    out.sample("decompressedBytes", labels, cells[at + REQUEST_CODED]!);
    out.sample("decompressedPlain", labels, cells[at + REQUEST_PLAIN]!);
  }
}

export function renderPlain(out: Exposition, cells: Float64Array, { at }: Block): void {
  for (const [index, reason] of PLAIN_REASONS.entries()) {
    const count = cells[at + index]!;
    if (count > 0) out.sample("uncompressed", [reason], count);
  }
}
