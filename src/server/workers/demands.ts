const NAMES_MAX = 1_000; // at once: a flood of names must not become our memory

/** Certificates that clients of one worker wait for; many may wait for one. */
export class Demands {
  readonly #ask: (name: string) => void;
  readonly #waiting: Map<string, ((id: string | undefined) => void)[]>;

  constructor(ask: (name: string) => void) {
    this.#ask = ask;
    this.#waiting = new Map();
  }

  /** The id of the certificate; undefined: there is none for that name. */
  ask(name: string): Promise<string | undefined> {
    const known = this.#waiting.get(name);
    if (known === undefined && this.#waiting.size >= NAMES_MAX) return Promise.resolve(undefined);
    return new Promise((resolve) => {
      if (known !== undefined) {
        known.push(resolve);
        return;
      }
      this.#waiting.set(name, [resolve]);
      this.#ask(name);
    });
  }

  answer(name: string, id: string | undefined): undefined {
    for (const resolve of this.#waiting.get(name) ?? []) resolve(id);
    this.#waiting.delete(name);
  }
}
