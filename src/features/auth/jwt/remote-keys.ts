import type { World } from "../../../base/world.ts";
import type { Step } from "../../../core/filter.ts";
import { readJwkSet, type VerifyingKey } from "../../../protocol/jwt/jwk.ts";
import type { KeySource } from "./key-source.ts";

export const KEY_SET_BYTES_MAX = 256 * 1024; // the largest in the wild are a tenth of it

export interface RemoteKeysOptions {
  readonly url: string; // from the config: nothing that a token says leads anywhere else (A5)
  readonly roots: string | undefined; // PEM: whom to trust for that URL, instead of whom the system trusts
  readonly refreshMs: number; // how old they may be before they are looked for again, beside the traffic
  readonly staleMs: number; // how much older than that they may be used, if they cannot be had
  readonly cooldownMs: number; // between two questions that a token is the reason of, or that fail
  readonly timeoutMs: number;
}

type Keys = readonly VerifyingKey[];

/**
 * Keys that an issuer publishes under a URL. They are asked for when a token first needs them, and
 * again beside the traffic once they are `refreshMs` old. One question at a time, which all wait for
 * who need its answer:
 *
 *     age                        keys there are                        a key that is not among them
 *     none yet, or too old       wait for a question; none: fail       the same
 *     up to refresh              use                                   ask, once per cooldown
 *     up to refresh + stale      use, and ask beside it                ask, once per cooldown
 */
export class RemoteKeys implements KeySource {
  readonly about: string;
  readonly #options: RemoteKeysOptions;
  readonly #world: Pick<World, "clock" | "log" | "web">;
  #keys: Keys | undefined;
  #known: string; // of the keys there are, to tell whether some have gone
  #fetchedMs: number;
  #askedMs: number; // when the last question was put
  #asking: Promise<void> | undefined;
  #hasFailed: boolean;
  generation: number;

  constructor(options: RemoteKeysOptions, world: Pick<World, "clock" | "log" | "web">) {
    this.about = `keys of ${options.url}`;
    this.#options = options;
    this.#world = world;
    this.#keys = undefined;
    this.#known = "";
    this.#fetchedMs = 0;
    this.#askedMs = Number.NEGATIVE_INFINITY;
    this.#asking = undefined;
    this.#hasFailed = false;
    this.generation = 0;
  }

  keys(): Step<Keys | undefined> {
    const { refreshMs, staleMs } = this.#options;
    const ageMs = this.#world.clock.nowMs() - this.#fetchedMs;
    if (this.#keys === undefined || ageMs > refreshMs + staleMs) {
      this.#keys = undefined; // too old: whoever has made off with one of them has had long enough
      return this.newer();
    }
    if (ageMs > refreshMs && this.#mayAsk) void this.#ask();
    return this.#keys;
  }

  newer(): Step<Keys | undefined> {
    if (this.#asking === undefined && !this.#mayAsk) return this.#keys;
    return this.#ask().then(() => this.#keys);
  }

  get #mayAsk(): boolean {
    return this.#world.clock.nowMs() - this.#askedMs >= this.#options.cooldownMs;
  }

  #ask(): Promise<void> {
    this.#asking ??= this.#fetch().finally(() => {
      this.#asking = undefined;
    });
    return this.#asking;
  }

  async #fetch(): Promise<void> {
    const { clock, log } = this.#world;
    const { url } = this.#options;
    this.#askedMs = clock.nowMs();
    const read = await this.#read();
    if (typeof read === "string") {
      // Once for an outage, and not for each question of it.
      if (!this.#hasFailed) log.warn("cannot get the keys of tokens", { url, why: read });
      this.#hasFailed = true;
      return;
    }
    if (this.#hasFailed) log.info("keys of tokens are there again", { url });
    this.#hasFailed = false;
    this.#fetchedMs = clock.nowMs();
    this.#take(read);
  }

  async #read(): Promise<Keys | string> {
    const { url, roots, timeoutMs } = this.#options;
    try {
      const answer = await this.#world.web.ask({
        method: "GET",
        url,
        headers: { accept: "application/jwk-set+json, application/json" },
        body: undefined,
        roots,
        timeoutMs,
        answerBytesMax: KEY_SET_BYTES_MAX,
      });
      if (answer.status !== 200) return `status ${answer.status}`; // a redirect leads elsewhere (P3)
      const read = readJwkSet(JSON.parse(Buffer.from(answer.body).toString("utf8")));
      if (typeof read === "string") return read;
      if (read.keys.length === 0) return `no key that can be used (${read.skipped.join("; ")})`;
      return read.keys;
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
  }

  #take(keys: Keys): void {
    const marks = keys.map(markOf);
    const had = this.#known === "" ? [] : this.#known.split("\n");
    if (had.some((mark) => !marks.includes(mark))) this.generation++;
    this.#known = marks.join("\n");
    this.#keys = keys;
  }
}

/** The same for the same key with the same id and use. */
function markOf({ id, algorithms, key }: VerifyingKey): string {
  return JSON.stringify([id ?? "", algorithms, key.export({ format: "jwk" })]);
}
