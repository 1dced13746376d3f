import { latin1Text } from "../../base/latin1.ts";
import type { TcpAsk } from "./check-options.ts";
import { ANSWER_BYTES_MAX, type Finding, GOOD, Probe } from "./probe.ts";
import { bodyTest, type TextTest } from "./text-test.ts";

/** Connects; sends something and waits for something, if told to. */
export class TcpProbe extends Probe {
  readonly #ask: TcpAsk;
  readonly #isWanted: TextTest | undefined;
  #text: string;
  #testedAt: number; // the length that was tested last

  constructor(ask: TcpAsk, tell: (finding: Finding) => void) {
    super(tell);
    this.#ask = ask;
    this.#isWanted = ask.expect === undefined ? undefined : bodyTest(ask.expect);
    this.#text = "";
    this.#testedAt = 0;
  }

  protected override connected(): void {
    if (this.#ask.send !== undefined) this.send(this.#ask.send);
    if (this.#isWanted === undefined) this.over(GOOD);
  }

  protected override received(buffer: Buffer, count: number): void {
    this.#text += latin1Text(buffer, 0, count);
    // A growing text is looked through again only when it has doubled: a drip must not cost us.
    if (this.#text.length >= 2 * this.#testedAt || this.#text.length >= ANSWER_BYTES_MAX) {
      this.#test();
    }
    if (this.#text.length >= ANSWER_BYTES_MAX) this.over("the answer is another one");
  }

  protected override finished(): void {
    this.#test();
    this.over(this.#text === "" ? "closed" : "the answer is another one");
  }

  #test(): void {
    this.#testedAt = this.#text.length;
    if (this.#isWanted?.(this.#text) === true) this.over(GOOD);
  }
}
