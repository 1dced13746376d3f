import type { Clock, Web } from "../../base/world.ts";
import type { OnDemandSettings } from "./acme-settings.ts";

/** What the operator's endpoint says of a name; "unsaid": it did not answer, or could not. */
export type Said = "yes" | "no" | "unsaid";

const ANSWER_MS = 5_000;
const ANSWER_BYTES_MAX = 4_096; // only the status counts
const REFUSAL_MS = 60_000;
const REFUSALS_MAX = 10_000;
const ASKING_MAX = 16; // at once
const NAME =
  /^(?=.{1,253}$)(?!.*\.\d+$)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9-]{2,63}$/;

/**
 * Whether a name that a client came with gets a certificate (D12): only if the operator's own
 * endpoint says so, and no more than so many new ones a minute. A refusal holds for a while, so
 * that a flood of handshakes does not become one of questions.
 */
export class OnDemand {
  readonly #world: { readonly clock: Clock; readonly web: Web };
  readonly #settings: OnDemandSettings;
  readonly #refusedUntilMs: Map<string, number>;
  #asking: number;
  #tokens: number;
  #tokensAtMs: number;

  constructor(world: { readonly clock: Clock; readonly web: Web }, settings: OnDemandSettings) {
    this.#world = world;
    this.#settings = settings;
    this.#refusedUntilMs = new Map();
    this.#asking = 0;
    this.#tokens = settings.perMinute;
    this.#tokensAtMs = world.clock.nowMs();
  }

  /** Never rejects: who cannot be asked has not said yes. */
  async allows(name: string, keptCount: number): Promise<boolean> {
    if (!NAME.test(name) || this.#isRefused(name)) return false;
    if (keptCount >= this.#settings.namesMax || this.#asking >= ASKING_MAX) return false;
    if (!this.#takeToken()) return false;
    this.#asking++;
    const said = await this.#ask(name).finally(() => this.#asking--);
    if (said !== "yes") this.#refuse(name);
    return said === "yes";
  }

  /** Of a name that has one, before it gets another. */
  async asksAgain(name: string): Promise<Said> {
    const said = await this.#ask(name);
    if (said === "no") this.#refuse(name);
    return said;
  }

  async #ask(name: string): Promise<Said> {
    const url = new URL(this.#settings.ask);
    url.searchParams.set("domain", name);
    try {
      const { status } = await this.#world.web.ask({
        method: "GET",
        url: url.href,
        headers: { accept: "*/*" },
        body: undefined,
        roots: undefined,
        timeoutMs: ANSWER_MS,
        answerBytesMax: ANSWER_BYTES_MAX,
      });
      if (status === 200) return "yes";
      return status >= 500 ? "unsaid" : "no"; // a redirect is no yes
    } catch {
      return "unsaid";
    }
  }

  #isRefused(name: string): boolean {
    const untilMs = this.#refusedUntilMs.get(name);
    return untilMs !== undefined && this.#world.clock.nowMs() < untilMs;
  }

  #refuse(name: string): void {
    this.#refusedUntilMs.delete(name); // to the end of the line
    this.#refusedUntilMs.set(name, this.#world.clock.nowMs() + REFUSAL_MS);
    if (this.#refusedUntilMs.size <= REFUSALS_MAX) return;
    const [oldest] = this.#refusedUntilMs.keys();
    this.#refusedUntilMs.delete(oldest!);
  }

  #takeToken(): boolean {
    const { perMinute } = this.#settings;
    const nowMs = this.#world.clock.nowMs();
    const grown = this.#tokens + ((nowMs - this.#tokensAtMs) / 60_000) * perMinute;
    this.#tokens = Math.min(grown, perMinute);
    this.#tokensAtMs = nowMs;
    if (this.#tokens < 1) return false;
    this.#tokens--;
    return true;
  }
}
