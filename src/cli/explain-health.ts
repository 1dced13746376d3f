import type { HedgeConfig, UpstreamConfig } from "../config/config.ts";
import { durationText } from "../core/fields.ts";
import type { CheckOptions } from "../upstream/health/check-options.ts";
import type { PassiveOptions } from "../upstream/health/passive-check.ts";

/** Who finds out whether the endpoints can serve, and what is done then; a sentence each. */
export interface HealthFacts {
  readonly active: string;
  readonly passive: string;
  readonly breaker: string;
  readonly concurrency: string;
  readonly hedge: string;
}

export function healthFacts(
  upstream: Pick<UpstreamConfig, "active" | "passive" | "breaker" | "concurrency">,
  hedge: HedgeConfig | undefined,
): HealthFacts {
  return {
    active: activeText(upstream.active),
    passive: passiveText(upstream.passive),
    breaker: breakerText(upstream.breaker),
    concurrency: concurrencyText(upstream.concurrency),
    hedge: hedgeText(hedge),
  };
}

function activeText(check: CheckOptions | undefined): string {
  if (check === undefined) return "off";
  const { ask, everyMs, timeoutMs, up, down, port } = check;
  const where = port === undefined ? "" : ` on port ${port}`;
  const when = `every ${durationText(everyMs)}, within ${durationText(timeoutMs)}`;
  return `${askText(ask)}${where} ${when}; ${down} bad ones are down, ${up} good ones up`;
}

function askText(ask: CheckOptions["ask"]): string {
  if (ask.kind === "tcp") return "a connection";
  if (ask.kind === "http") return `${ask.method} ${ask.path}`;
  return `grpc.health.v1${ask.service === "" ? "" : ` of ${ask.service}`}`;
}

function passiveText(passive: PassiveOptions | undefined): string {
  if (passive === undefined) return "off";
  const { failures, withinMs, ejectForMs, ejectPercent } = passive;
  return (
    `${failures} failures in a row within ${durationText(withinMs)} ` +
    `eject for ${durationText(ejectForMs)}, ${ejectPercent}% at most`
  );
}

function breakerText(breaker: UpstreamConfig["breaker"]): string {
  if (breaker === undefined) return "off";
  const { errorPercent, minRequests, withinMs, openForMs, latency } = breaker;
  const slow =
    latency === undefined ? "" : `, or p${latency.percentile} over ${durationText(latency.overMs)}`;
  return (
    `opens for ${durationText(openForMs)} at ${errorPercent}% errors${slow} ` +
    `of ${minRequests} requests or more within ${durationText(withinMs)}`
  );
}

function concurrencyText(concurrency: UpstreamConfig["concurrency"]): string {
  if (concurrency === undefined) return "off";
  const { min, max } = concurrency;
  return `each endpoint gets as many as its latency shows that it bears, from ${min} to ${max}`;
}

function hedgeText(hedge: HedgeConfig | undefined): string {
  if (hedge === undefined) return "off";
  const { afterMs, percentile } = hedge;
  const after = afterMs === undefined ? `the p${percentile} of late` : durationText(afterMs);
  return `a second endpoint is asked after ${after}`;
}
