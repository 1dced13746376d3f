import type { Exposition } from "./exposition.ts";
import type { Block, BlockShape, MetricBank } from "./metric-bank.ts";

const BAN: BlockShape = { kind: "ban", labels: ["reason"], cellCount: 1 };

/** Reasons are fault codes and a word of our own. */
export function countBan(bank: MetricBank, reason: string): void {
  const at = bank.block(BAN, [reason]);
  bank.cells[at]!++;
}

export function renderBan(out: Exposition, cells: Float64Array, { labels, at }: Block): void {
  out.sample("bans", labels, cells[at]!);
}
