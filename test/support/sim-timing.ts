import assert from "node:assert/strict";
import type { SimProxy } from "./sim-proxy.ts";

const TICK_MS = 110; // of the wheel, and what the network takes

/** Nothing happens before `ms`; by `ms` and a tick it has. */
export async function within(
  proxy: SimProxy,
  ms: number,
  has: () => boolean,
  lateMs = TICK_MS,
): Promise<void> {
  await proxy.advance(ms - 10);
  assert.equal(has(), false, `not before ${ms} ms`);
  await proxy.advance(lateMs + 10);
  assert.equal(has(), true, `within ${ms} ms and ${lateMs} ms`);
}
