import { type Exchange, statusOf } from "../core/exchange.ts";

/** What is going on, on one route. */
export interface InFlight {
  readonly exchanges: number; // tunnels are not among them
  readonly tunnels: number; // WebSockets
}

/** By site and route, a line break between. */
export function inFlightOf(exchanges: Iterable<Exchange>): Map<string, InFlight> {
  const byRoute = new Map<string, InFlight>();
  for (const exchange of exchanges) {
    const { site, route } = exchange;
    if (site === undefined || route === undefined) continue;
    const key = `${site.name}\n${route.name}`;
    const { exchanges: others, tunnels } = byRoute.get(key) ?? { exchanges: 0, tunnels: 0 };
    const isTunnel = statusOf(exchange) === 101;
    byRoute.set(key, {
      exchanges: others + (isTunnel ? 0 : 1),
      tunnels: tunnels + (isTunnel ? 1 : 0),
    });
  }
  return byRoute;
}
