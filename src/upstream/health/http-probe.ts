import { ReadBuffers } from "../../base/read-buffers.ts";
import type { FaultCode } from "../../core/fault.ts";
import { LIMITS } from "../../core/limits.ts";
import type { Manner } from "../../core/upstream.ts";
import type { ResponseFacts } from "../../protocol/h1/response-facts.ts";
import { ResponseReader, type ResponseTaker } from "../../transport/response-reader.ts";
import type { HttpAsk } from "./check-options.ts";
import { H2Probe } from "./h2-probe.ts";
import { HttpAnswer } from "./http-answer.ts";
import { type Finding, Probe } from "./probe.ts";

// For bodies larger than a probe reads: never asked for one.
const BUFFERS = new ReadBuffers();

/**
 * One request, in the protocol that requests go out in, and read with the parser that they are proxied
 * with: an answer that would be refused there is no sign of health here. Redirects are answers like
 * others, and not followed.
 */
export class HttpProbe extends Probe implements ResponseTaker {
  readonly #ask: HttpAsk;
  readonly #hostText: string;
  readonly #manner: Manner;
  readonly #reader: ResponseReader;
  readonly #answer: HttpAnswer;
  #http2: H2Probe | undefined; // where that is spoken

  /** `host` is for the Host field, unless the check has its own. */
  constructor(ask: HttpAsk, host: string, manner: Manner, tell: (finding: Finding) => void) {
    super(tell);
    this.#ask = ask;
    this.#hostText = ask.host ?? host;
    this.#manner = manner;
    this.#reader = new ResponseReader(this, BUFFERS);
    this.#answer = new HttpAnswer(ask, (finding) => this.#end(finding));
    this.#http2 = undefined;
  }

  override buffer(): Uint8Array {
    return this.#reader.buffer();
  }

  protected override connected(): void {
    const { speaks, tls } = this.#manner;
    const isHttp2 = tls === undefined ? speaks[0] === "h2" : this.alpn === "h2";
    if (isHttp2) this.#beginHttp2();
    else if (speaks.includes("h1")) this.#beginHttp1();
    else this.over("it does not speak h2");
  }

  #beginHttp1(): void {
    const { method, path } = this.#ask;
    this.#reader.begin({ method, websocketKey: undefined, limits: LIMITS });
    this.send(
      `${method} ${path} HTTP/1.1\r\nHost: ${this.#hostText}\r\n${this.#lines}Connection: close\r\n\r\n`,
    );
  }

  #beginHttp2(): void {
    const { method, path } = this.#ask;
    const scheme = this.#manner.tls === undefined ? "http" : "https";
    this.#http2 = new H2Probe({
      request: { method, scheme, authority: this.#hostText, path, more: this.#lines },
      answer: this.#answer,
      write: (bytes) => this.sendBytes(bytes),
      failed: (why) => this.#end(why),
    });
    this.#http2.begin();
  }

  get #lines(): string {
    const { method, headers } = this.#ask;
    const length = method === "GET" || method === "HEAD" ? "" : "Content-Length: 0\r\n";
    return `${linesOf(headers)}${length}`;
  }

  protected override received(buffer: Buffer, count: number): void {
    // No budget can run out in the time that a check has.
    if (this.#http2 !== undefined) this.#http2.read(buffer.subarray(0, count), 0);
    else this.#reader.feed(buffer, count);
  }

  protected override finished(): void {
    if (this.#http2 !== undefined || !this.#reader.finish()) this.over("closed");
  }

  interimRead(): void {}

  switchRead(): void {
    this.over("response_upgrade"); // nobody asked for it
  }

  headRead({ status, headers }: ResponseFacts): void {
    this.#answer.head(status, headers);
  }

  bodyBytes(bytes: Buffer): void {
    this.#answer.bytes(bytes);
  }

  bodyUnderway(): void {}

  bodyEnd(): void {
    this.#answer.end();
  }

  refused(code: FaultCode): void {
    this.#end(code);
  }

  #end(finding: Finding): void {
    this.#reader.stop();
    this.over(finding);
  }
}

const USER_AGENT = "User-Agent: sluice-health-check\r\n";

/** Who asks, and what a check has set. */
export function linesOf(headers: HttpAsk["headers"]): string {
  return USER_AGENT + headers.map(([name, value]) => `${name}: ${value}\r\n`).join("");
}
