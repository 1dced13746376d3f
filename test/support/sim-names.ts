import type { Clock, NameAnswer, Names, ServiceRecord } from "../../src/base/world.ts";

const LATENCY_MS = 1;

/** A name server in memory: says what a test tells it to, and remembers who asked, and when. */
export class SimNames implements Names {
  readonly #clock: Clock;
  readonly #answers = new Map<string, NameAnswer<unknown>>();
  readonly #slow = new Map<string, number>();
  readonly asked: { readonly what: string; readonly atMs: number }[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The addresses of a name, of both families at once. */
  name(name: string, hosts: readonly string[], ttlSeconds = 60): void {
    const v6 = hosts.filter((host) => host.includes(":"));
    const v4 = hosts.filter((host) => !host.includes(":"));
    this.#answers.set(`4 ${name}`, answer(v4, ttlSeconds));
    this.#answers.set(`6 ${name}`, answer(v6, ttlSeconds));
  }

  service(name: string, records: readonly Partial<ServiceRecord>[], ttlSeconds = 60): void {
    const whole = records.map((record) => ({
      ...{ host: "a.test", port: 80, priority: 0, weight: 1 },
      ...record,
    }));
    this.#answers.set(`srv ${name}`, answer(whole, ttlSeconds));
  }

  text(kind: "TXT" | "CNAME" | "NS", name: string, records: readonly string[]): void {
    this.#answers.set(`${kind} ${name}`, answer(records, 60));
  }

  /** From now on this question is answered so; `what` is "4 NAME", "6 NAME", "srv NAME" or "TXT NAME". */
  fails(what: string, kind: "none" | "failed", why = kind === "none" ? "ENOTFOUND" : "ESERVFAIL") {
    this.#answers.set(what, { kind, why });
  }

  /** From now on this question takes that long. */
  takes(what: string, latencyMs: number): void {
    this.#slow.set(what, latencyMs);
  }

  addresses(name: string, family: 4 | 6): Promise<NameAnswer<string>> {
    return this.#ask(`${family} ${name}`);
  }

  services(name: string): Promise<NameAnswer<ServiceRecord>> {
    return this.#ask(`srv ${name}`);
  }

  texts(kind: "TXT" | "CNAME" | "NS", name: string): Promise<NameAnswer<string>> {
    return this.#ask(`${kind} ${name}`);
  }

  /** When this was asked, in seconds. */
  times(what: string): number[] {
    return this.asked.filter((each) => each.what === what).map(({ atMs }) => atMs / 1000);
  }

  #ask<Found>(what: string): Promise<NameAnswer<Found>> {
    this.asked.push({ what, atMs: this.#clock.nowMs() });
    return new Promise((resolve) => {
      this.#clock.after(this.#slow.get(what) ?? LATENCY_MS, () => {
        const known = this.#answers.get(what) ?? { kind: "none", why: "ENOTFOUND" };
        resolve(known as NameAnswer<Found>); // what answer() put under this kind of question
      });
    });
  }
}

function answer<Found>(records: readonly Found[], ttlSeconds: number): NameAnswer<Found> {
  if (records.length === 0) return { kind: "none", why: "ENODATA" };
  return { kind: "found", records, ttlMs: ttlSeconds * 1000 };
}
