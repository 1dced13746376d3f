import { latin1Text } from "../../base/latin1.ts";
import type { FaultCode } from "../../core/fault.ts";
import { LIMITS } from "../../core/limits.ts";
import type { ResponseFacts } from "../../protocol/h1/response-facts.ts";
import { ResponseReader, type ResponseTaker } from "../../transport/response-reader.ts";
import type { HttpAsk } from "./check-options.ts";
import { ANSWER_BYTES_MAX, type Finding, GOOD, Probe } from "./probe.ts";
import { bodyTest, headerTest } from "./text-test.ts";

/**
 * One request, read with the parser that requests are proxied with: an answer that would be refused
 * there is no sign of health here. Redirects are answers like others, and not followed.
 */
export class HttpProbe extends Probe implements ResponseTaker {
  readonly #ask: HttpAsk;
  readonly #hostText: string;
  readonly #reader: ResponseReader;
  #body: string;

  /** `host` is for the Host field, unless the check has its own. */
  constructor(ask: HttpAsk, host: string, tell: (finding: Finding) => void) {
    super(tell);
    this.#ask = ask;
    this.#hostText = ask.host ?? host;
    this.#reader = new ResponseReader(this);
    this.#body = "";
  }

  override buffer(): Uint8Array {
    return this.#reader.buffer();
  }

  protected override connected(): void {
    const { method, path, headers } = this.#ask;
    const own = headers.map(([name, value]) => `${name}: ${value}\r\n`).join("");
    const length = method === "GET" || method === "HEAD" ? "" : "Content-Length: 0\r\n";
    this.#reader.begin({ method, websocketKey: undefined, limits: LIMITS });
    this.send(
      `${method} ${path} HTTP/1.1\r\nHost: ${this.#hostText}\r\n${USER_AGENT}${own}${length}Connection: close\r\n\r\n`,
    );
  }

  protected override received(buffer: Buffer, count: number): void {
    this.#reader.feed(buffer, count);
  }

  protected override finished(): void {
    if (!this.#reader.finish()) this.over("closed");
  }

  interimRead(): void {}

  switchRead(): void {
    this.over("response_upgrade"); // nobody asked for it
  }

  headRead({ status, headers }: ResponseFacts): void {
    const { statuses, wantedHeaders, wantedBody } = this.#ask;
    if (!statuses.some(([from, to]) => status >= from && status <= to)) {
      this.#end(`status ${status}`);
      return;
    }
    for (const [name, wanted] of wantedHeaders) {
      if (headers.all(name).some(headerTest(wanted))) continue;
      this.#end(`header ${name}`);
      return;
    }
    if (wantedBody === undefined) this.#end(GOOD);
  }

  bodyBytes(bytes: Buffer): void {
    this.#body += latin1Text(
      bytes,
      0,
      Math.min(bytes.length, ANSWER_BYTES_MAX - this.#body.length),
    );
    if (this.#body.length >= ANSWER_BYTES_MAX) this.#judgeBody();
  }

  bodyUnderway(): void {}

  bodyEnd(): void {
    this.#judgeBody();
  }

  refused(code: FaultCode): void {
    this.#end(code);
  }

  #judgeBody(): void {
    const { wantedBody } = this.#ask;
    // As UTF-8, since that is what a config is written in.
    const text = Buffer.from(this.#body, "latin1").toString("utf8");
    this.#end(wantedBody === undefined || bodyTest(wantedBody)(text) ? GOOD : "body");
  }

  #end(finding: Finding): void {
    this.#reader.stop();
    this.over(finding);
  }
}

const USER_AGENT = "User-Agent: sluice-health-check\r\n";
