/** How an endpoint was chosen for an explained request, and among whom. */
import type { BalanceConfig } from "../config/config.ts";
import type { Exchange } from "../core/exchange.ts";
import { conditionOf, type EndpointChance, type Upstream } from "../core/upstream.ts";
import type { TargetChoice } from "../features/forward/target.ts";

export interface BalanceFacts {
  readonly by: string;
  readonly key?: string; // what of this request the hash goes by; absent: it has none
}

export interface ChoiceFacts {
  readonly sides: readonly { readonly upstream: string; readonly weight: number }[];
  readonly failover: readonly string[];
  readonly isSticky: boolean;
}

export interface EndpointFacts {
  readonly name: string;
  readonly scheme?: string; // unless it is http
  readonly weight: number;
  readonly backup: boolean;
  readonly priority?: number; // unless it is 0
  readonly zone?: string;
  readonly maxRequests?: number;
  readonly health: string;
  readonly usable: boolean;
  readonly share: number; // of the requests that its group gets now, from 0 to 1
  readonly chosen: boolean; // this time
}

export function balanceOf(
  balance: BalanceConfig | undefined,
  { hashKeyOf }: Upstream,
  exchange: Exchange,
): BalanceFacts {
  const key = hashKeyOf?.(exchange);
  return {
    by: balance?.by ?? "leastRequest",
    ...(key === undefined || key === "" ? {} : { key }),
  };
}

export function choiceOf({ options }: TargetChoice): ChoiceFacts {
  return {
    sides: options.sides.map(({ target, weight }) => ({ upstream: target.upstream.name, weight })),
    failover: options.failover.map(({ upstream }) => upstream.name),
    isSticky: options.clientKey !== undefined,
  };
}

export function endpointOf(
  { endpoint, usable, share }: EndpointChance,
  exchange: Exchange,
): EndpointFacts {
  const { name, manner, weight, backup, priority, zone, maxRequests, state } = endpoint;
  const { scheme } = manner;
  return {
    ...{ name, weight, backup },
    ...(scheme === "http" ? {} : { scheme }),
    ...(priority === 0 ? {} : { priority }),
    ...(zone === "" ? {} : { zone }),
    ...(maxRequests === Number.POSITIVE_INFINITY ? {} : { maxRequests }),
    health: conditionOf(state, 0),
    usable,
    share: Math.round(share * 1000) / 1000,
    chosen: endpoint === exchange.endpoint,
  };
}
