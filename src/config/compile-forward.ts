/** What a route's `forward` and `mirror` become: the upstreams in their order, and the cookies. */
import { networkOf } from "../base/client-network.ts";
import type { AttemptStep, Phases } from "../core/filter.ts";
import type { ErrorReplies, Route } from "../core/runtime.ts";
import type { Worker } from "../core/worker.ts";
import { clientCookieSteps } from "../features/forward/client-cookies.ts";
import { Forward } from "../features/forward/forward.ts";
import { Mirror } from "../features/forward/mirror.ts";
import { SplitCookie } from "../features/forward/split-cookie.ts";
import { type ForwardTarget, TargetChoice } from "../features/forward/target.ts";
import { RETRY_POLICY } from "../upstream/retry-policy.ts";
import type { ForwardConfig, RouteConfig } from "./config.ts";
import { PLAIN_ATTRIBUTES } from "./shape/cookie.ts";

export interface Forwards {
  readonly first: ForwardTarget;
  readonly choice: TargetChoice | undefined; // where there is more than the first
  readonly mirror: Mirror | undefined;
  /** Run on each response. */
  readonly cookies: readonly AttemptStep[];
}

export function compileForward(
  route: RouteConfig,
  targetOf: (upstream: string) => ForwardTarget,
  worker: Worker,
): Forwards {
  const options = route.handler.options as ForwardConfig; // as its schema made it
  const sides = options.sides.map((each) => {
    return { target: targetOf(each.upstream), weight: each.weight };
  });
  const failover = options.failover.map(targetOf);
  const cookie = splitCookieOf(options);
  const all = [...sides.map(({ target }) => target), ...failover];
  const { mirror } = route;
  return {
    first: all[0]!,
    choice:
      all.length === 1
        ? undefined
        : new TargetChoice(
            { sides, failover, spills: options.spills, clientKey: clientKeyOf(options, cookie) },
            worker.world.random,
          ),
    mirror:
      mirror &&
      new Mirror(
        {
          target: targetOf(mirror.to),
          percent: mirror.percent,
          bodyBytesMax: mirror.bodyBytes,
          concurrentMax: mirror.max,
        },
        worker,
      ),
    cookies: clientCookieSteps(all, cookie),
  };
}

/**
 * Of a question that a filter of the route has for an upstream. A connection that has died meanwhile is
 * made good; all else is for the filter to judge.
 */
export function questionRoute(
  { name }: RouteConfig,
  target: ForwardTarget,
  levels: Pick<Route, "limits" | "timeouts" | "rates">,
  worker: Worker,
): Route {
  const { timeouts, limits } = target;
  const handler = new Forward({ ...target, retry: RETRY_POLICY, replaysBody: false }, worker);
  return { ...levels, name, timeouts, limits, handler, phases: NO_PHASES, errors: NO_PAGES };
}

const NO_PHASES: Phases = {
  ...{ before: [], admit: [], identified: [], rewrite: [], lookup: [] },
  ...{ send: [], receive: [], respond: [], finish: [] },
};
const NO_PAGES: ErrorReplies = { reply: (_exchange, status) => ({ status }) };

function splitCookieOf({ sticky }: ForwardConfig): SplitCookie | undefined {
  if (sticky?.by !== "cookie") return undefined;
  const { cookie } = sticky;
  return new SplitCookie({ cookie, attributes: PLAIN_ATTRIBUTES, isSecure: undefined });
}

function clientKeyOf({ sticky }: ForwardConfig, cookie: SplitCookie | undefined) {
  if (cookie !== undefined) return cookie.keyOf.bind(cookie);
  return sticky === undefined
    ? undefined
    : ({ client }: Parameters<SplitCookie["keyOf"]>[0]) => networkOf(client.address);
}
