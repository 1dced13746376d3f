import { latin1Text } from "../../base/latin1.ts";
import type { HeaderList } from "../../protocol/http/header-list.ts";
import type { HttpAsk } from "./check-options.ts";
import { ANSWER_BYTES_MAX, type Finding, GOOD } from "./probe.ts";
import { bodyTest, headerTest } from "./text-test.ts";

/** One answer against what was wanted. Tells what it found once, as soon as it is sure. */
export class HttpAnswer {
  readonly #ask: HttpAsk;
  readonly #tell: (finding: Finding) => void;
  #body: string;

  constructor(ask: HttpAsk, tell: (finding: Finding) => void) {
    this.#ask = ask;
    this.#tell = tell;
    this.#body = "";
  }

  head(status: number, headers: HeaderList): void {
    const { statuses, wantedHeaders, wantedBody } = this.#ask;
    if (!statuses.some(([from, to]) => status >= from && status <= to)) {
      this.#tell(`status ${status}`);
      return;
    }
    for (const [name, wanted] of wantedHeaders) {
      if (headers.all(name).some(headerTest(wanted))) continue;
      this.#tell(`header ${name}`);
      return;
    }
    if (wantedBody === undefined) this.#tell(GOOD);
  }

  bytes(bytes: Buffer): void {
    const room = ANSWER_BYTES_MAX - this.#body.length;
    this.#body += latin1Text(bytes, 0, Math.min(bytes.length, room));
    if (this.#body.length >= ANSWER_BYTES_MAX) this.end();
  }

  end(): void {
    const { wantedBody } = this.#ask;
    // As UTF-8, since that is what a config is written in.
    const text = Buffer.from(this.#body, "latin1").toString("utf8");
    this.#tell(wantedBody === undefined || bodyTest(wantedBody)(text) ? GOOD : "body");
  }
}
