import type { Manner } from "../../core/upstream.ts";
import { HEALTH_PATH, writeHealthRequest } from "../../protocol/grpc/health.ts";
import type { GrpcAsk } from "./check-options.ts";
import { GrpcAnswer } from "./grpc-answer.ts";
import { H2Probe } from "./h2-probe.ts";
import { linesOf } from "./http-probe.ts";
import { type Finding, Probe } from "./probe.ts";

/** One call of grpc.health.v1.Health/Check, over HTTP/2. */
export class GrpcProbe extends Probe {
  readonly #ask: GrpcAsk;
  readonly #authority: string;
  readonly #manner: Manner;
  #http2: H2Probe | undefined; // once there is a connection

  /** `host` is who is asked, unless the check says otherwise. */
  constructor(ask: GrpcAsk, host: string, manner: Manner, tell: (finding: Finding) => void) {
    super(tell);
    this.#ask = ask;
    this.#authority = ask.host ?? host;
    this.#manner = manner;
    this.#http2 = undefined;
  }

  protected override connected(): void {
    const { speaks, tls } = this.#manner;
    if (tls === undefined ? !speaks.includes("h2") : this.alpn !== "h2") {
      this.over("it does not speak h2");
      return;
    }
    this.#http2 = new H2Probe({
      request: {
        method: "POST",
        scheme: tls === undefined ? "http" : "https",
        authority: this.#authority,
        path: HEALTH_PATH,
        more: `Content-Type: application/grpc\r\nTE: trailers\r\n${linesOf(this.#ask.headers)}`,
      },
      body: writeHealthRequest(this.#ask.service),
      answer: new GrpcAnswer((finding) => this.over(finding)),
      write: (bytes) => this.sendBytes(bytes),
      failed: (why) => this.over(why),
    });
    this.#http2.begin();
  }

  protected override received(buffer: Buffer, count: number): void {
    this.#http2?.read(buffer.subarray(0, count), 0); // no budget can run out in that time
  }

  protected override finished(): void {
    this.over("closed");
  }
}
