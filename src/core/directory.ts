import type { Address, ServiceRecord } from "../base/world.ts";
import type { Scheme } from "./upstream.ts";

/**
 * What discovery and operators have found out at run time: plain data, so that it can be sent to
 * workers. Entries are replaced whole and never changed.
 */
export type DirectoryEntry =
  | {
      readonly kind: "name";
      readonly name: string;
      readonly hosts: readonly string[]; // addresses, sorted; none while it does not resolve
      readonly why: string; // it does not, or that it was not known the last time; "" when it was
    }
  | {
      readonly kind: "service";
      readonly name: string;
      readonly records: readonly ServiceRecord[];
      readonly why: string;
    }
  | {
      readonly kind: "edits";
      readonly name: string; // of the upstream
      readonly added: readonly AddedEndpoint[];
      readonly removed: readonly string[]; // names of endpoints
    }
  | {
      readonly kind: "maintenance"; // as an operator has said, in place of the config
      readonly name: string; // of a site, or of a site and its route
      readonly isOn: boolean;
    };

/** An endpoint that an operator added. */
export interface AddedEndpoint {
  readonly address: Address;
  readonly scheme: Scheme;
  readonly weight: number;
  readonly backup: boolean;
}

type EntryOf<Kind extends DirectoryEntry["kind"]> = Extract<DirectoryEntry, { kind: Kind }>;

/** The entries as one worker has them. Written once per machine, by the main thread. */
export class Directory {
  readonly #entries: Map<string, DirectoryEntry>;
  readonly #watchers: Set<() => void>;
  #version: number;

  constructor(entries: Iterable<DirectoryEntry> = []) {
    this.#entries = new Map();
    this.#watchers = new Set();
    this.#version = 0;
    for (const entry of entries) this.#entries.set(keyOf(entry), entry);
  }

  /** Counts up with every change, so that what was made of the entries can be kept. */
  get version(): number {
    return this.#version;
  }

  /** All of them, for a worker that begins. */
  get entries(): readonly DirectoryEntry[] {
    return [...this.#entries.values()];
  }

  find<Kind extends DirectoryEntry["kind"]>(kind: Kind, name: string): EntryOf<Kind> | undefined {
    return this.#entries.get(`${kind} ${name}`) as EntryOf<Kind> | undefined; // by its key
  }

  set(entry: DirectoryEntry): void {
    this.#entries.set(keyOf(entry), entry);
    this.#changed();
  }

  /** Nobody asks for it any more. */
  delete(kind: DirectoryEntry["kind"], name: string): void {
    if (this.#entries.delete(`${kind} ${name}`)) this.#changed();
  }

  /** What the machine's directory has by now; a worker's copy of it. */
  replace(entries: readonly DirectoryEntry[]): void {
    this.#entries.clear();
    for (const entry of entries) this.#entries.set(keyOf(entry), entry);
    this.#changed();
  }

  /** Told after each change, until the answer is disposed. */
  watch(changed: () => void): Disposable {
    this.#watchers.add(changed);
    return { [Symbol.dispose]: () => this.#watchers.delete(changed) };
  }

  #changed(): void {
    this.#version++;
    for (const changed of this.#watchers) changed();
  }
}

function keyOf({ kind, name }: DirectoryEntry): string {
  return `${kind} ${name}`;
}
