import type { NameAnswer, Timer, World } from "../../base/world.ts";
import type { DnsSettings } from "./dns-settings.ts";

/** Who sees: RFC 8305 §3, "Resolution Delay". An answer for one family waits so long for the other. */
const OTHER_FAMILY_MS = 50;
const RETRY_MAX_MS = 60_000; // between two questions that nobody answered
const JITTER = 10; // percent: names that were asked for together should not stay together

/** What one question has come to. */
export interface Known<Found> {
  readonly records: readonly Found[];
  readonly why: string; // the last time there was no answer; "" if there was
  readonly isDenied: boolean; // the last time somebody said that there is none
}

export type NameWorld = Pick<World, "clock" | "random" | "names">;

/**
 * Asks one question again and again: when what was said no longer holds, and after a failure sooner,
 * then later and later. The last good answer stays, whatever comes after it, for as long as it is
 * settled that it should.
 *
 *     ──ask──► found ──its time to live, within bounds──► ask
 *        └───► none, failed ──minTtl, doubling──► ask
 */
export class NameWatch<Found> {
  readonly #world: NameWorld;
  readonly #ask: () => Promise<NameAnswer<Found>>;
  readonly #changed: () => void;
  #settings: DnsSettings;
  #records: readonly Found[];
  #why: string;
  #isDenied: boolean;
  #goodMs: number; // when it was last found
  #failures: number; // in a row
  #isAnswered: boolean;
  #timer: Timer | undefined;
  #isStopped: boolean;

  constructor(
    world: NameWorld,
    settings: DnsSettings,
    ask: () => Promise<NameAnswer<Found>>,
    changed: () => void,
  ) {
    this.#world = world;
    this.#ask = ask;
    this.#changed = changed;
    this.#settings = settings;
    this.#records = [];
    this.#why = "it is being asked for";
    this.#isDenied = false;
    this.#goodMs = world.clock.nowMs();
    this.#failures = 0;
    this.#isAnswered = false;
    this.#timer = undefined;
    this.#isStopped = false;
    void this.#turn();
  }

  get known(): Known<Found> {
    return { records: this.#records, why: this.#why, isDenied: this.#isDenied };
  }

  /** Somebody has said something, if only that there is nothing. */
  get isAnswered(): boolean {
    return this.#isAnswered;
  }

  set settings(settings: DnsSettings) {
    this.#settings = settings; // from the next question on
  }

  [Symbol.dispose](): void {
    this.#isStopped = true;
    this.#timer?.cancel();
  }

  async #turn(): Promise<void> {
    const answer = await this.#ask();
    if (this.#isStopped) return;
    this.#isDenied = answer.kind === "none";
    const nextMs = answer.kind === "found" ? this.#found(answer) : this.#missed(answer.why);
    this.#isAnswered = true;
    this.#timer = this.#world.clock.after(this.#spread(nextMs), () => void this.#turn());
    this.#changed();
  }

  #found({ records, ttlMs }: { readonly records: readonly Found[]; readonly ttlMs: number }) {
    this.#records = records;
    this.#why = "";
    this.#failures = 0;
    this.#goodMs = this.#world.clock.nowMs();
    return Math.min(this.#settings.maxTtlMs, Math.max(this.#settings.minTtlMs, ttlMs));
  }

  #missed(why: string): number {
    const { forgetAfterMs, minTtlMs } = this.#settings;
    this.#why = why;
    if (this.#world.clock.nowMs() - this.#goodMs >= forgetAfterMs) this.#records = [];
    const doublings = Math.min(this.#failures++, 10);
    return Math.max(minTtlMs, Math.min(RETRY_MAX_MS, minTtlMs * 2 ** doublings));
  }

  /** Up to a tenth later, and never earlier: no answer is asked for again while it holds. */
  #spread(delayMs: number): number {
    const most = Math.floor((delayMs * JITTER) / 100);
    return delayMs + this.#world.random.below(most + 1);
  }
}

/** Both families of one name, each asked for on its own: one may fail and the other not. */
export class AddressWatch {
  readonly #watches: readonly NameWatch<string>[];
  readonly #world: NameWorld;
  readonly #changed: () => void;
  #waiting: Timer | undefined;
  #isSettled: boolean;

  constructor(world: NameWorld, settings: () => DnsSettings, name: string, changed: () => void) {
    this.#world = world;
    this.#changed = changed;
    this.#waiting = undefined;
    this.#isSettled = false;
    this.#watches = ([6, 4] as const).map((family) => {
      const ask = () => world.names.addresses(name, family, settings());
      return new NameWatch(world, settings(), ask, () => this.#heard());
    });
  }

  get isAnswered(): boolean {
    return this.#isSettled;
  }

  /** Sorted, so that a server which turns its answers round has not said anything new. */
  get known(): Known<string> {
    const both = this.#watches.map((watch) => watch.known);
    const isFound = both.some(({ why }) => why === "");
    // A family that is denied while the other is there is gone. If both are, that may be a mistake.
    const kept = both.filter(({ isDenied }) => !(isFound && isDenied));
    const records = [...new Set(kept.flatMap((each) => each.records))].sort();
    const whys = both.map(({ why }) => why);
    const why = isFound ? "" : (whys.find((each) => each !== "ENODATA") ?? "ENODATA");
    return { records, why, isDenied: both.every(({ isDenied }) => isDenied) };
  }

  set settings(settings: DnsSettings) {
    for (const watch of this.#watches) watch.settings = settings;
  }

  [Symbol.dispose](): void {
    this.#waiting?.cancel();
    for (const watch of this.#watches) watch[Symbol.dispose]();
  }

  #heard(): void {
    const areAll = this.#watches.every(({ isAnswered }) => isAnswered);
    if (areAll || this.#isSettled) {
      this.#settle();
    } else if (this.known.records.length > 0) {
      this.#waiting = this.#world.clock.after(OTHER_FAMILY_MS, () => this.#settle());
    }
  }

  #settle(): void {
    this.#waiting?.cancel();
    this.#waiting = undefined;
    this.#isSettled = true;
    this.#changed();
  }
}
