import { pause } from "../deadline.ts";
import { Seeded } from "../seeded.ts";
import { MOODS, MoodyOrigin } from "./moody-origin.ts";

/** Origins whose mood changes, and which die and come back, until they are told to be good. */
export class FaultDriver {
  readonly origins: readonly MoodyOrigin[];
  readonly #random: Seeded;
  #driving: Promise<void> | undefined;
  #isStopping = false;

  constructor(count: number, seed: number) {
    this.origins = Array.from({ length: count }, () => new MoodyOrigin());
    this.#random = new Seeded(seed);
  }

  async open(): Promise<void> {
    for (const origin of this.origins) await origin.start();
  }

  /** One origin at a time: the others are there for what may be tried again. */
  start(everyMs: number): void {
    this.#driving = this.#drive(everyMs);
  }

  async #drive(everyMs: number): Promise<void> {
    while (!this.#isStopping) {
      const origin = this.#random.of(this.origins);
      if (this.#random.chance(3)) await origin.kill();
      else origin.mood = this.#random.of(MOODS);
      await pause(everyMs);
      await origin.start();
      origin.mood = "good";
      await pause(everyMs / 2);
    }
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    await this.#driving;
  }

  async close(): Promise<void> {
    for (const origin of this.origins) await origin.kill();
  }

  /** A config over the origins; `version` changes weights, a route, and who is in it. */
  config(version: number): string {
    const urls = this.origins.map(({ port }) => `http://127.0.0.1:${port}`);
    const isShort = version % 3 === 2;
    const endpoints = urls
      .slice(isShort ? 1 : 0)
      .map((url, place) => `{ url: "${url}", weight: ${1 + ((version + place) % 3)} }`);
    const retry = "{ attempts: 3, on: [connect, reused, reset, timeout] }";
    return `
      upstreams: { app: { endpoints: [${endpoints}], balance: leastRequest } }
      timeouts: { connect: 1s, responseHead: 1s, responseBody: 2s, requestBody: 5s }
      sites:
        - hosts: ["*"]
          routes:
            - { name: version, match: { path: /version/${version} }, respond: 204 }
            - { name: app, forward: app, retry: ${retry} }
    `;
  }
}
