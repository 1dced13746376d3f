import type { StreamPlan, StreamTable } from "../core/stream.ts";

/** The streams of one port; no two of them have the same name, and one at most has none. */
export function compileStreams(all: readonly StreamPlan[]): StreamTable {
  return new CompiledStreams(all);
}

class CompiledStreams implements StreamTable {
  readonly all: readonly StreamPlan[];
  readonly #exact: Map<string, StreamPlan>;
  readonly #wildcards: Map<string, StreamPlan>; // by suffix, ".example.com"
  readonly #rest: StreamPlan | undefined; // takes what no other names

  constructor(all: readonly StreamPlan[]) {
    this.all = all;
    this.#exact = new Map();
    this.#wildcards = new Map();
    this.#rest = all.find(({ serverNames }) => serverNames.length === 0);
    for (const stream of all) {
      for (const name of stream.serverNames) {
        if (name.startsWith("*.")) this.#wildcards.set(name.slice(1), stream);
        else this.#exact.set(name, stream);
      }
    }
  }

  find(serverName: string): StreamPlan | undefined {
    return this.#exact.get(serverName) ?? this.#byWildcard(serverName) ?? this.#rest;
  }

  /** From the left, so the longest suffix is found first. A wildcard stands for one label or more. */
  #byWildcard(name: string): StreamPlan | undefined {
    if (this.#wildcards.size === 0) return undefined;
    for (let dot = name.indexOf(".", 1); dot > 0; dot = name.indexOf(".", dot + 1)) {
      const found = this.#wildcards.get(name.slice(dot));
      if (found !== undefined) return found;
    }
    return undefined;
  }
}
