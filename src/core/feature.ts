import type { z } from "zod";
import type { TimerWheel } from "../base/timer-wheel.ts";
import type { Web, World } from "../base/world.ts";
import type { Directory } from "./directory.ts";
import type { Exchange } from "./exchange.ts";
import type { Filter, Handler } from "./filter.ts";
import type { Geo } from "./geo.ts";
import type { Machine } from "./machine.ts";
import type { Route } from "./runtime.ts";
import type { SharedLimits } from "./shared-limits.ts";
import type { Shedder } from "./shedder.ts";
import type { Upstream } from "./upstream.ts";
import type { StoredCounts } from "./worker.ts";

/** One capability of a route: its key in the config, the check of its options, what it becomes. */
export interface Feature<Options, Built extends Filter | Handler = Filter | Handler> {
  readonly name: string; // the config key, "redirect"
  readonly kind: "handler" | "filter"; // a route has exactly one handler, and any filters
  readonly about: string; // one line, for the generated reference
  readonly schema: z.ZodType<Options>; // checks, infers the type, prints the JSON Schema
  build(options: Options, tools: BuildTools): Built;
  /** Servers that it asks by URL, "http://localhost:9091": each is an upstream, under that name. */
  asks?(options: Options): readonly string[];
}

/** Where in the config something is: ["sites", 0, "routes", 3, "rateLimit", "per"]. */
export type Path = readonly (string | number)[];

/**
 * The user's config did it. The message has the grammar: action that failed, colon, wanted form,
 * current value: Cannot use rateLimit.per: must be a duration such as "10s", got 10
 */
export interface Problem {
  readonly at: Path;
  readonly message: string;
}

/** Whom a key of a route is for, by where it is written; a site and the defaults hand it down. */
export type Level = "route" | "site" | "all";

export interface BuildTools {
  readonly world: Pick<World, "clock" | "random" | "log">;
  /** For what a filter has to ask beside the traffic: one that nobody has configured asks nobody. */
  readonly web: Web;
  /** The upstream of that name; the check has made sure that there is one. */
  upstream(name: string): Upstream;
  /** A route that has no filters and forwards to it, for questions of a filter's own (core/question.ts). */
  routeTo(name: string): Route;
  /** Nothing is to be asked of anybody: it is for `explain`. */
  readonly isDry: boolean;
  /** Something that survives reloads for as long as this place in the config asks for it. */
  keep<T>(key: string, make: () => T): T;
  /** As keep(), one for all places that ask for the key. */
  keepForAll<T>(key: string, make: () => T): T;
  /** Of the config's databases; undefined: it names none. */
  readonly geo?: Geo | undefined;
  /** What all workers share. Ask it for things inside keep(). */
  readonly machine: Machine;
  /** What operators have said at run time, for one; without it nobody has, as for `explain`. */
  readonly directory?: Directory | undefined;
  /** Of the route, the same over reloads: its site and its name. */
  readonly place: string;
  readonly site: string; // its name
  /** Where in the config this part is written: for the route alone, the site, or all. */
  readonly level: Level;
  readonly wheel: TimerWheel;
  /** What counts with other machines; undefined: each machine counts alone. */
  readonly sharedLimits: SharedLimits | undefined;
  /** Who says when there is too much to do; undefined: nobody does. */
  readonly shedder?: Shedder | undefined;
  /** Of the memory that caches may take, what is this worker's. */
  readonly cacheBytes: number;
  cacheStored(counts: StoredCounts): void;
  /** For what no wire or timer of the engine called, and so nobody would catch. */
  readonly bug: (error: unknown, exchange: Exchange | undefined) => void;
}
