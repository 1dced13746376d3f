import type { World } from "../base/world.ts";
import type { Config } from "../config/config.ts";
import { settledLevels } from "../config/config.ts";
import type { Exchange } from "../core/exchange.ts";
import type { Fault } from "../core/fault.ts";
import type { Runtime } from "../core/runtime.ts";
import type { Leaving } from "./crew.ts";

/** A client's connection with something in flight on it. */
export interface InFlight {
  readonly exchange: Exchange | undefined;
  readonly isTunnel: boolean;
  abort(fault: Fault): void;
}

type RouteHandlers = ReadonlyMap<string, ReadonlySet<string>>;

/**
 * What is in flight on routes that a reload took away: it may go on for timeouts.drain, a tunnel for
 * timeouts.drainTunnel, and is then cut. A route is the same one if site, name and where it
 * leads are; what is on such a route is not touched.
 */
export class Departures {
  readonly #clock: World["clock"];
  readonly #handlers: WeakMap<Runtime, RouteHandlers>;
  #current: RouteHandlers;

  constructor(clock: World["clock"]) {
    this.#clock = clock;
    this.#handlers = new WeakMap();
    this.#current = new Map();
  }

  /** After the swap. `inFlight` is asked for all that is open then. */
  swapped(config: Config, runtime: Runtime, inFlight: Iterable<InFlight>): Leaving {
    const handlers = handlersOf(config);
    this.#handlers.set(runtime, handlers);
    this.#current = handlers;
    const exchanges: [InFlight, Exchange][] = [];
    const tunnels: [InFlight, Exchange][] = [];
    for (const connection of inFlight) {
      const { exchange, isTunnel } = connection;
      if (exchange === undefined || !this.#isGone(exchange)) continue;
      (isTunnel ? tunnels : exchanges).push([connection, exchange]);
    }
    const { timeouts } = settledLevels(config);
    this.#cutAfter(timeouts.drain, exchanges);
    this.#cutAfter(timeouts.drainTunnel, tunnels);
    return { exchanges: exchanges.length, tunnels: tunnels.length };
  }

  #isGone({ runtime, site, route }: Exchange): boolean {
    if (site === undefined || route === undefined) return false; // an answer of ours, soon over
    const key = keyOf(site.name, route.name);
    const now = this.#current.get(key);
    if (now === undefined) return true;
    const then = this.#handlers.get(runtime)?.get(key);
    return then !== undefined && ![...then].some((handler) => now.has(handler));
  }

  #cutAfter(delayMs: number, departing: readonly [InFlight, Exchange][]): void {
    if (departing.length === 0 || delayMs === Number.POSITIVE_INFINITY) return;
    this.#clock.after(delayMs, () => {
      for (const [connection, exchange] of departing) {
        // It may be over by now, and the route may be back.
        if (connection.exchange === exchange && this.#isGone(exchange)) connection.abort(REMOVED);
      }
    });
  }
}

const REMOVED: Fault = { code: "route_removed", detail: "" };

/** Two sites of one name, on two listeners, may each have a route of that name: hence sets. */
function handlersOf(config: Config): RouteHandlers {
  const handlers = new Map<string, Set<string>>();
  for (const site of config.sites) {
    for (const { name, handler } of site.routes) {
      const key = keyOf(site.name, name);
      const set = handlers.get(key) ?? new Set();
      set.add(handler.key === "forward" ? JSON.stringify(handler.options) : handler.key);
      handlers.set(key, set);
    }
  }
  return handlers;
}

function keyOf(site: string, route: string): string {
  return `${site}\n${route}`;
}
