import type { Log } from "../base/world.ts";
import type { SharedState, StateDraft } from "./state.ts";

type Things = ReadonlyMap<string, unknown>;

/**
 * The shared state of one worker. What is let go of is disposed if it can be (Symbol.asyncDispose
 * or Symbol.dispose), last made first. Exchanges of the replaced runtime may still hold such a
 * thing: to be disposed means "no more of the new", and its last users are its own business.
 */
export class KeyedState implements SharedState, AsyncDisposable {
  readonly #log: Log;
  #things: Things = new Map();

  constructor(log: Log) {
    this.#log = log;
  }

  draft(): StateDraft {
    return new KeyedDraft(
      this.#things,
      (from, to) => {
        // Two drafts at once would each dispose what the other keeps.
        if (this.#things !== from) throw new Error("the state has changed since this draft began");
        this.#things = to;
      },
      (things) => this.#letGo(things),
    );
  }

  /** At the end of the process: lets go of everything, and waits for it. */
  async [Symbol.asyncDispose](): Promise<void> {
    const things = this.#things;
    this.#things = new Map();
    await this.#letGo(things);
  }

  async #letGo(things: Things): Promise<void> {
    const endings: unknown[] = [];
    for (const [key, thing] of [...things].reverse()) {
      try {
        endings.push(this.#ended(key, dispose(thing)));
      } catch (error) {
        this.#warn(key, error);
      }
    }
    await Promise.all(endings);
  }

  async #ended(key: string, ending: unknown): Promise<void> {
    try {
      await ending;
    } catch (error) {
      this.#warn(key, error);
    }
  }

  #warn(key: string, error: unknown): void {
    this.#log.warn("cannot dispose state", { key, error: String(error) });
  }
}

class KeyedDraft implements StateDraft {
  readonly #before: Things;
  readonly #kept = new Map<string, unknown>();
  readonly #made = new Map<string, unknown>();
  readonly #changes: (() => void)[] = [];
  readonly #replace: (from: Things, to: Things) => void;
  readonly #letGo: (things: Things) => void;
  #over = false;

  constructor(
    before: Things,
    replace: (from: Things, to: Things) => void,
    letGo: (things: Things) => void,
  ) {
    this.#before = before;
    this.#replace = replace;
    this.#letGo = letGo;
  }

  keep<T>(key: string, make: () => T): T {
    if (this.#over) throw new Error(`cannot keep ${key}: the draft is over`);
    if (this.#kept.has(key)) return this.#kept.get(key) as T; // a key is of one type for ever
    if (this.#before.has(key)) {
      const thing = this.#before.get(key);
      this.#kept.set(key, thing);
      return thing as T;
    }
    const thing = make();
    this.#made.set(key, thing);
    this.#kept.set(key, thing);
    return thing;
  }

  onCommit(change: () => void): void {
    this.#changes.push(change);
  }

  commit(): void {
    if (this.#over) throw new Error("the draft is over");
    this.#replace(this.#before, this.#kept);
    this.#over = true;
    for (const change of this.#changes) change();
    const gone = [...this.#before].filter(([key]) => !this.#kept.has(key));
    this.#letGo(new Map(gone));
  }

  discard(): void {
    if (this.#over) return;
    this.#over = true;
    this.#letGo(this.#made);
  }
}

function dispose(thing: unknown): unknown {
  if (typeof thing !== "object" || thing === null) return undefined;
  const { [Symbol.asyncDispose]: asyncDispose, [Symbol.dispose]: syncDispose } = thing as Partial<
    AsyncDisposable & Disposable
  >;
  return (asyncDispose ?? syncDispose)?.call(thing);
}
