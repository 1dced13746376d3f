/** However the bytes of a stream are cut into reads, it means the same: nothing may hang on a split. */
import { setImmediate as turn } from "node:timers/promises";
import { Client } from "../support/client.ts";
import { BAD_REQUESTS, GOOD_REQUESTS } from "../support/corpus.ts";
import { Origin } from "../support/origin.ts";
import { startProxy } from "../support/proxy.ts";
import { forwardTo, OK } from "../support/scenario.ts";
import type { Seeded } from "../support/seeded.ts";
import type { FuzzRun, FuzzTarget } from "./target.ts";

export const target: FuzzTarget = {
  about: "splits: the same stream in other pieces has the same outcome",
  seeds: [...GOOD_REQUESTS, ...BAD_REQUESTS].map((sample) => sample.bytes),
  async open() {
    return new SplitRun();
  },
};

class SplitRun implements FuzzRun {
  #count = 0;
  readonly #origin = Origin.open(OK);
  readonly #proxy = this.#origin.then((origin) => startProxy(forwardTo(origin.url)));

  async judge(input: string, random: Seeded): Promise<string | undefined> {
    this.#count++;
    const whole = await this.#outcome([input]);
    const pieces = split(input, random);
    const inPieces = await this.#outcome(pieces);
    if (whole === inPieces) return undefined;
    const cuts = JSON.stringify(pieces.map((piece) => piece.length));
    return `whole: ${whole}; in pieces of ${cuts}: ${inPieces}`;
  }

  summary(): string {
    return `${this.#count} streams sent twice`;
  }

  async close(): Promise<void> {
    await (await this.#proxy).stop();
    await (await this.#origin).close();
  }

  /** The statuses that came back and the requests that the origin has whole. */
  async #outcome(pieces: readonly string[]): Promise<string> {
    const origin = await this.#origin;
    const first = origin.received.length;
    const client = await Client.connect((await this.#proxy).port);
    for (const piece of pieces) {
      if (client.over) break;
      await client.sent(piece).catch(() => undefined);
      await turn();
    }
    client.halfClose();
    await client.readToEnd();
    client.close();
    const seen = origin.received.slice(first).filter((each) => each.complete);
    const requests = seen.map((each) => `${each.method} ${each.target} ${each.body}`);
    // A reset may overtake the reply to bytes that were still on their way; the origin's view stands.
    const statuses = client.wasReset ? ["reset"] : client.text.match(/HTTP\/1\.1 \d{3}/g);
    return JSON.stringify([statuses, requests]);
  }
}

function split(text: string, random: Seeded): string[] {
  const pieces: string[] = [];
  const most = random.chance(4) ? 3 : 40;
  let at = 0;
  while (at < text.length && pieces.length < 60) {
    const count = 1 + random.below(most);
    pieces.push(text.slice(at, at + count));
    at += count;
  }
  if (at < text.length) pieces.push(text.slice(at));
  return pieces;
}
