import type { RequestHead } from "../core/exchange.ts";
import type { Geo } from "../core/geo.ts";
import type { Captures, Route, RouteRecorder, RouteTable } from "../core/runtime.ts";
import { compileMatch } from "./compile-match.ts";
import type { Condition } from "./condition.ts";
import type { MatchConfig } from "./match-config.ts";
import type { PathShape } from "./path-pattern.ts";
import { PathTree } from "./path-tree.ts";

export interface RouteEntry {
  readonly match: MatchConfig | undefined; // undefined: everything
  readonly route: Route;
}

/** Throws on a match that the check refuses: check first. */
export function compileRoutes(entries: readonly RouteEntry[], geo?: Geo): RouteTable {
  const compiled = entries.map(({ match, route }) => ({
    condition: compileMatch(match ?? {}, geo),
    route,
  }));
  return new CompiledRoutes(compiled);
}

interface CompiledEntry {
  readonly condition: Condition;
  readonly route: Route;
}

// Below this many, asking each route in turn is faster than the tree (route.bench.ts).
const INDEXED_COUNT_MIN = 8;

// Scratch for one call of find(), which nothing in the call comes back to. One for all tables: it
// stays in the processor's cache when the tables of thousands of sites do not.
const lists: number[] = []; // start and end of each

class CompiledRoutes implements RouteTable {
  readonly #entries: readonly CompiledEntry[];
  readonly #unindexed: readonly number[]; // routes that any path may match
  readonly #tree: PathTree | undefined;

  constructor(entries: readonly CompiledEntry[]) {
    this.#entries = entries;
    const isIndexed = entries.length >= INDEXED_COUNT_MIN;
    const shapes = entries.map(
      ({ condition }) => condition.paths?.map((path) => path.shape) ?? [undefined],
    );
    this.#unindexed = isIndexed
      ? [...shapes.keys()].filter((number) => shapes[number]!.includes(undefined))
      : [];
    this.#tree = isIndexed ? new PathTree(indexable(shapes)) : undefined;
  }

  find(request: RequestHead, clientAddress: string): Route | undefined {
    if (this.#tree !== undefined) return this.#findIndexed(this.#tree, request, clientAddress);
    const entries = this.#entries;
    for (let number = 0; number < entries.length; number++) {
      const entry = entries[number]!;
      if (entry.condition.isMet(request, clientAddress)) return entry.route;
    }
    return undefined;
  }

  /** Merges the lists that the path picks, so that routes are asked in the order written. */
  #findIndexed(tree: PathTree, request: RequestHead, clientAddress: string): Route | undefined {
    const { cells } = tree;
    const unindexed = this.#unindexed;
    const count = tree.collect(request.path, lists);
    let unindexedAt = 0;
    for (;;) {
      let number = unindexed[unindexedAt] ?? NO_NUMBER;
      for (let index = 0; index < count; index += 2) {
        const at = lists[index]!;
        if (at < lists[index + 1]! && cells[at]! < number) number = cells[at]!;
      }
      if (number === NO_NUMBER) return undefined;
      const entry = this.#entries[number]!;
      if (entry.condition.isMet(request, clientAddress)) return entry.route;
      if (unindexed[unindexedAt] === number) unindexedAt++;
      for (let index = 0; index < count; index += 2) {
        const at = lists[index]!;
        if (at < lists[index + 1]! && cells[at] === number) lists[index] = at + 1;
      }
    }
  }

  explain(request: RequestHead, clientAddress: string, recorder: RouteRecorder): Route | undefined {
    for (const { condition, route } of this.#entries) {
      recorder.route(route.name);
      if (!condition.explain(request, clientAddress, recorder, "")) continue;
      recorder.matched(route.name);
      return route;
    }
    return undefined;
  }

  captures(route: Route, request: RequestHead, clientAddress: string): Captures | undefined {
    // Asked for rarely and of few routes, so it is looked up and not stored on the exchange.
    for (const { condition, route: each } of this.#entries) {
      if (each === route)
        return condition.pathPattern(request, clientAddress)?.captures(request.path);
    }
    return undefined;
  }
}

const NO_NUMBER = 0x7fffffff;

type Shapes = readonly (PathShape | undefined)[];

/** Routes with a pattern that only an expression can match stay out, whatever else they have. */
function* indexable(shapes: readonly Shapes[]): Iterable<readonly [number, PathShape]> {
  for (const [number, each] of shapes.entries()) {
    if (each.includes(undefined)) continue;
    for (const shape of each) yield [number, shape!];
  }
}
