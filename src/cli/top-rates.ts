import type { Rates } from "./status-text.ts";

/** Counters of the Prometheus page, added up by what `top` shows. */
export interface Counts {
  readonly requests: number;
  readonly faults: number;
  readonly byEndpoint: ReadonlyMap<string, number>; // "upstream endpoint"
}

const SAMPLE = /^(sluice_\w+)(?:\{(.*)\})? (\S+)$/;

export function countsOf(page: string): Counts {
  let requests = 0;
  let faults = 0;
  const byEndpoint = new Map<string, number>();
  for (const line of page.split("\n")) {
    const [, name, labels = "", value] = SAMPLE.exec(line) ?? [];
    const count = Number(value);
    if (name === "sluice_requests_total") requests += count;
    else if (name === "sluice_faults_total") faults += count;
    else if (name === "sluice_upstream_requests_total") {
      const key = `${label(labels, "upstream")} ${label(labels, "endpoint")}`;
      byEndpoint.set(key, (byEndpoint.get(key) ?? 0) + count);
    }
  }
  return { requests, faults, byEndpoint };
}

function label(labels: string, name: string): string {
  return new RegExp(`(?:^|,)${name}="([^"]*)"`).exec(labels)?.[1] ?? "";
}

/** Per second. A counter that fell belongs to another process by now, and says nothing yet. */
export function ratesBetween(before: Counts, after: Counts, seconds: number): Rates {
  const rate = (from: number, to: number) => Math.max(0, to - from) / seconds;
  const byEndpoint = [...after.byEndpoint].map(([key, count]): [string, number] => {
    return [key, rate(before.byEndpoint.get(key) ?? 0, count)];
  });
  return {
    requests: rate(before.requests, after.requests),
    faults: rate(before.faults, after.faults),
    byEndpoint: new Map(byEndpoint),
  };
}
