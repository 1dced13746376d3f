import type { StateMeter } from "../core/shared-limits.ts";
import type { Exposition } from "./exposition.ts";
import type { Block, BlockShape, MetricBank } from "./metric-bank.ts";

const RESULTS = ["answered", "failed", "skipped"] as const;
const CONNECTED = RESULTS.length;
const STATE: BlockShape = {
  kind: "state",
  labels: [],
  cellCount: CONNECTED + 1,
  gauges: [CONNECTED],
};

/** What one thread counts of who keeps the shared state. */
export function stateMeter(bank: MetricBank): StateMeter {
  const at = bank.block(STATE, []);
  const count = (cell: number, by = 1) => {
    bank.cells[at + cell]! += by;
  };
  return {
    answered: () => count(0),
    failed: () => count(1),
    skipped: () => count(2),
    connected: (isConnected) => count(CONNECTED, isConnected ? 1 : -1),
  };
}

export function renderState(out: Exposition, cells: Float64Array, { at }: Block): void {
  out.sample("stateConnections", [], cells[at + CONNECTED]!);
  for (const [index, result] of RESULTS.entries()) {
    const count = cells[at + index]!;
    if (count > 0) out.sample("stateCalls", [result], count);
  }
}
