import { NO_CONNECTIONS } from "../../core/downstream.ts";
import type { Exchange } from "../../core/exchange.ts";
import type { Claim } from "../../core/upstream.ts";
import type { Carrier } from "../../transport/carrier.ts";
import { proxyHeaderOf } from "../../transport/proxy-header-of.ts";
import type { ForwardTarget } from "./target.ts";

/** What carries an attempt; `usesFresh`: no kept connection is to be trusted. */
export function attemptConnection(
  exchange: Exchange,
  { proxyVersion, timeouts, pools }: ForwardTarget,
  { endpoint }: Claim,
  usesFresh: boolean,
): Carrier {
  const pool = pools.get(endpoint)!;
  if (proxyVersion === undefined) {
    const needsHttp1 = exchange.downstream.websocketKey !== undefined;
    return usesFresh ? pool.fresh(timeouts, needsHttp1) : pool.take(timeouts, needsHttp1);
  }
  // Never shared between clients; and where the downstream keeps none, for this exchange alone.
  const own = exchange.downstream.own ?? NO_CONNECTIONS;
  if (usesFresh) own.drop(pool);
  return pool.takeOwn(own, () => proxyHeaderOf(exchange, proxyVersion), timeouts);
}
