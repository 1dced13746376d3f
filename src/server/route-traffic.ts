import type { InFlight } from "./departures.ts";

/** What is going on, on one route. */
export interface RouteTraffic {
  readonly exchanges: number; // tunnels are not among them
  readonly tunnels: number; // WebSockets
}

/** By site and route, a line break between. */
export type TrafficByRoute = ReadonlyMap<string, RouteTraffic>;

export function trafficOf(inFlight: Iterable<InFlight>): TrafficByRoute {
  const traffic = new Map<string, RouteTraffic>();
  for (const { exchange, isTunnel } of inFlight) {
    const { site, route } = exchange ?? {};
    if (site === undefined || route === undefined) continue;
    const key = `${site.name}\n${route.name}`;
    const one = { exchanges: isTunnel ? 0 : 1, tunnels: isTunnel ? 1 : 0 };
    traffic.set(key, sum(traffic.get(key), one));
  }
  return traffic;
}

export function addedTraffic(all: readonly TrafficByRoute[]): TrafficByRoute {
  const traffic = new Map<string, RouteTraffic>();
  for (const [key, each] of all.flatMap((one) => [...one])) {
    traffic.set(key, sum(traffic.get(key), each));
  }
  return traffic;
}

function sum(one: RouteTraffic | undefined, other: RouteTraffic): RouteTraffic {
  if (one === undefined) return other;
  return {
    exchanges: one.exchanges + other.exchanges,
    tunnels: one.tunnels + other.tunnels,
  };
}
