import type { AttemptStep } from "../../core/filter.ts";
import type { SplitCookie } from "./split-cookie.ts";
import type { ForwardTarget } from "./target.ts";

/** The steps that tell a client, with a response, whom it belongs to; none if nobody keeps clients. */
export function clientCookieSteps(
  targets: readonly ForwardTarget[],
  splitCookie: SplitCookie | undefined,
): AttemptStep[] {
  const sticky = new Map(
    targets.flatMap(({ upstream }) =>
      upstream.sticky === undefined ? [] : [[upstream.name, upstream.sticky] as const],
    ),
  );
  const steps: AttemptStep[] = [];
  if (sticky.size > 0) {
    steps.push((exchange, { endpoint }) => {
      sticky.get(exchange.upstream)?.keep(exchange, endpoint);
    });
  }
  if (splitCookie !== undefined) {
    steps.push((exchange) => {
      splitCookie.keep(exchange);
    });
  }
  return steps;
}
