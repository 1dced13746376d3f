import type { Config, UpstreamConfig } from "../config/config.ts";
import type { AddedEndpoint, Directory } from "../core/directory.ts";
import { endpointName } from "../upstream/endpoint.ts";

const ADDED_MAX = 1_000; // of one upstream

export type Edited = "done" | "there_already" | "too_many";

/**
 * Endpoints that operators added and took out at run time. They hold over reloads, and not over a
 * restart: what should hold for good belongs into the config, and once it is there the edit is over.
 */
export class OperatorEdits {
  readonly #directory: Directory;
  readonly #prepare: () => Promise<void>;
  #coming: AddedEndpoint | undefined; // its name is asked for before it is there

  constructor(directory: Directory, prepare: () => Promise<void>) {
    this.#directory = directory;
    this.#prepare = prepare;
    this.#coming = undefined;
  }

  /** Of all upstreams. */
  get added(): readonly AddedEndpoint[] {
    const added = this.#directory.entries.flatMap((entry) =>
      entry.kind === "edits" ? entry.added : [],
    );
    return this.#coming === undefined ? added : [...added, this.#coming];
  }

  addedNamesOf(upstream: string): readonly string[] {
    return this.addedTo(upstream).map(({ address }) => endpointName(address));
  }

  addedTo(upstream: string): readonly AddedEndpoint[] {
    return this.#directory.find("edits", upstream)?.added ?? [];
  }

  removedFrom(upstream: string): readonly string[] {
    return this.#directory.find("edits", upstream)?.removed ?? [];
  }

  /** One that was taken out comes back; another one is new. */
  async add(upstream: UpstreamConfig, endpoint: AddedEndpoint): Promise<Edited> {
    const name = endpointName(endpoint.address);
    this.#coming = endpoint;
    await this.#prepare();
    this.#coming = undefined;
    const added = this.addedTo(upstream.name);
    const removed = this.removedFrom(upstream.name);
    if (removed.includes(name)) {
      const rest = removed.filter((each) => each !== name);
      this.#set(upstream.name, isConfigured(upstream, name) ? added : [...added, endpoint], rest);
      return "done";
    }
    if (isConfigured(upstream, name) || added.some(({ address }) => endpointName(address) === name))
      return "there_already";
    if (added.length >= ADDED_MAX) return "too_many";
    this.#set(upstream.name, [...added, endpoint], removed);
    return "done";
  }

  /** What is in flight on it goes on; nothing new comes. */
  remove(upstream: string, name: string): void {
    const added = this.addedTo(upstream);
    const removed = this.removedFrom(upstream);
    const rest = added.filter(({ address }) => endpointName(address) !== name);
    this.#set(upstream, rest, rest.length < added.length ? removed : [...removed, name]);
  }

  /** After a reload: what the config says by now is no edit any more. */
  reconcile(config: Config): void {
    for (const entry of this.#directory.entries) {
      if (entry.kind !== "edits") continue;
      const upstream = config.upstreams.get(entry.name);
      if (upstream === undefined) {
        this.#directory.delete("edits", entry.name);
        continue;
      }
      const added = entry.added.filter(
        ({ address }) => !isConfigured(upstream, endpointName(address)),
      );
      const mayBeFound = upstream.endpoints.some(({ discover }) => discover !== undefined);
      const removed = entry.removed.filter((name) => mayBeFound || isConfigured(upstream, name));
      if (added.length === entry.added.length && removed.length === entry.removed.length) continue;
      this.#set(entry.name, added, removed);
    }
  }

  #set(name: string, added: readonly AddedEndpoint[], removed: readonly string[]): void {
    if (added.length === 0 && removed.length === 0) this.#directory.delete("edits", name);
    else this.#directory.set({ kind: "edits", name, added, removed });
  }
}

function isConfigured({ endpoints }: UpstreamConfig, name: string): boolean {
  return endpoints.some((each) => each.discover === undefined && each.name === name);
}
