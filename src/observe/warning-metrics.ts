import type { FaultCode } from "../core/fault.ts";
import type { Exposition } from "./exposition.ts";
import type { Block, BlockShape, MetricBank } from "./metric-bank.ts";

const WARNING: BlockShape = { kind: "warning", labels: ["site", "route", "code"], cellCount: 1 };

/** What one thread counts of filters in mode "warn". The labels are the config's and our own. */
export class WarningMetrics {
  readonly #bank: MetricBank;

  constructor(bank: MetricBank) {
    this.#bank = bank;
  }

  ended(site: string, route: string, warned: readonly FaultCode[]): void {
    for (const code of warned) {
      const at = this.#bank.block(WARNING, [site, route, code]);
      this.#bank.cells[at]!++;
    }
  }
}

export function renderWarning(out: Exposition, cells: Float64Array, { labels, at }: Block): void {
  out.sample("warned", labels, cells[at]!);
}
