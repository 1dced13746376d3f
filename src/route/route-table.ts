import type { RequestHead } from "../core/exchange.ts";
import type { Captures, Route, RouteRecorder, RouteTable } from "../core/runtime.ts";
import { compileMatch } from "./compile-match.ts";
import type { AllConditions } from "./condition.ts";
import type { MatchConfig } from "./match-config.ts";
import { type Numbers, PathTree } from "./path-tree.ts";

export interface RouteEntry {
  readonly match: MatchConfig | undefined; // undefined: everything
  readonly route: Route;
}

/** Throws on a match that matchProblem refuses: check first. */
export function compileRoutes(entries: readonly RouteEntry[]): RouteTable {
  const compiled = entries.map(({ match, route }) => ({
    conditions: compileMatch(match ?? {}),
    route,
  }));
  return new CompiledRoutes(compiled);
}

interface CompiledEntry {
  readonly conditions: AllConditions;
  readonly route: Route;
}

// Below this many, asking each route in turn is faster than the tree (route.bench.ts).
const INDEXED_COUNT_MIN = 8;

class CompiledRoutes implements RouteTable {
  readonly #entries: readonly CompiledEntry[];
  readonly #tree: PathTree | undefined;
  readonly #unindexed: Numbers; // routes that any path may match
  // Scratch for one call; nothing in a call comes back here.
  readonly #lists: Numbers[];
  readonly #cursors: number[];

  constructor(entries: readonly CompiledEntry[]) {
    this.#entries = entries;
    this.#unindexed = [];
    this.#tree = entries.length >= INDEXED_COUNT_MIN ? this.#index(new PathTree()) : undefined;
    this.#lists = [];
    this.#cursors = [];
  }

  #index(tree: PathTree): PathTree {
    for (const [number, { conditions }] of this.#entries.entries()) {
      const shapes = conditions.paths?.map((path) => path.shape) ?? [undefined];
      for (const shape of shapes) {
        if (shape !== undefined) tree.add(shape, number);
        else if (this.#unindexed.at(-1) !== number) this.#unindexed.push(number);
      }
    }
    return tree;
  }

  find(request: RequestHead, clientAddress: string): Route | undefined {
    if (this.#tree !== undefined) return this.#findIndexed(this.#tree, request, clientAddress);
    const entries = this.#entries;
    for (let number = 0; number < entries.length; number++) {
      const entry = entries[number]!;
      if (entry.conditions.isMet(request, clientAddress)) return entry.route;
    }
    return undefined;
  }

  /** Merges the lists that the path picks, so that routes are asked in the order written. */
  #findIndexed(tree: PathTree, request: RequestHead, clientAddress: string): Route | undefined {
    const lists = this.#lists;
    const cursors = this.#cursors;
    let count = tree.collect(request.path, lists);
    if (this.#unindexed.length > 0) lists[count++] = this.#unindexed;
    for (let index = 0; index < count; index++) cursors[index] = 0;

    for (;;) {
      let number = Number.MAX_SAFE_INTEGER;
      for (let index = 0; index < count; index++) {
        const head = lists[index]![cursors[index]!];
        if (head !== undefined && head < number) number = head;
      }
      const entry = this.#entries[number];
      if (entry === undefined) return undefined;
      if (entry.conditions.isMet(request, clientAddress)) return entry.route;
      for (let index = 0; index < count; index++) {
        if (lists[index]![cursors[index]!] === number) cursors[index]!++;
      }
    }
  }

  explain(request: RequestHead, clientAddress: string, recorder: RouteRecorder): Route | undefined {
    for (const { conditions, route } of this.#entries) {
      recorder.route(route.name);
      if (!conditions.explain(request, clientAddress, recorder, "")) continue;
      recorder.matched(route.name);
      return route;
    }
    return undefined;
  }

  captures(route: Route, request: RequestHead, clientAddress: string): Captures | undefined {
    // Asked for rarely and of few routes, so it is looked up and not stored on the exchange.
    for (const { conditions, route: each } of this.#entries) {
      if (each === route)
        return conditions.pathPattern(request, clientAddress)?.captures(request.path);
    }
    return undefined;
  }
}
