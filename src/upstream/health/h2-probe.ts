import { LIMITS } from "../../core/limits.ts";
import { Connection } from "../../protocol/h2/connection.ts";
import { NO_ERROR } from "../../protocol/h2/error-code.ts";
import type { FieldSection } from "../../protocol/h2/field-section.ts";
import { readResponse } from "../../protocol/h2/response-head.ts";
import type { RequestFields, Stream, StreamTaker } from "../../protocol/h2/stream.ts";
import { HeaderList } from "../../protocol/http/header-list.ts";

/** What an answer is made of, as far as it is wanted. */
export interface ProbeAnswer {
  head(status: number, headers: HeaderList): void;
  bytes(bytes: Buffer): void;
  end(trailers: HeaderList | undefined): void;
}

export interface H2Asked {
  readonly request: Pick<RequestFields, "method" | "scheme" | "authority" | "path" | "more">;
  readonly body?: Buffer;
  readonly answer: ProbeAnswer;
  write(bytes: Buffer): void;
  failed(why: string): void;
}

const NO_DROPS = new Uint8Array(256);

/** The one request of a check over HTTP/2, read by the engine that requests are proxied with. */
export class H2Probe implements StreamTaker {
  readonly #asked: H2Asked;
  readonly #connection: Connection;
  #stream: Stream | undefined;

  constructor(asked: H2Asked) {
    this.#asked = asked;
    const { responseHeaderBytes, responseHeaderCount, trailerBytes, trailerCount } = LIMITS;
    this.#connection = new Connection(
      "client",
      {
        streamsMax: 0,
        streamsPerConnection: 1,
        head: { fieldBytes: responseHeaderBytes, fieldCount: responseHeaderCount },
        trailers: { fieldBytes: trailerBytes, fieldCount: trailerCount },
      },
      {
        opened: () => {},
        // An endpoint that goes away after it has answered has answered.
        ended: (code) => code !== NO_ERROR && asked.failed("response_malformed"),
        settingsAcknowledged: () => {},
      },
    );
    this.#stream = undefined;
  }

  begin(): void {
    this.#connection.start();
    const stream = this.#connection.open()!; // nothing is open yet
    stream.taker = this;
    this.#stream = stream;
    const { request, body } = this.#asked;
    const fields = { ...request, headers: HeaderList.empty(), drop: NO_DROPS };
    stream.sendRequest(fields, body === undefined);
    if (body !== undefined) {
      stream.send(body);
      stream.end(undefined, NO_DROPS);
    }
    this.#flush();
  }

  read(bytes: Buffer, nowMs: number): void {
    this.#connection.receive(bytes, nowMs);
    this.#flush();
  }

  #flush(): void {
    this.#connection.fill();
    const bytes = this.#connection.output.take();
    if (bytes !== undefined) this.#asked.write(bytes); // for good: it may wait
  }

  head(section: FieldSection, isLast: boolean): void {
    const { answer, request, failed } = this.#asked;
    const facts = readResponse(section, isLast, request.method);
    if ("refused" in facts) failed(`response_${facts.refused}`);
    else if (facts.status >= 200) {
      this.#stream!.hasHead = true;
      answer.head(facts.status, facts.headers);
    }
  }

  data(bytes: Buffer): void {
    this.#stream!.consumed(bytes.length);
    this.#asked.answer.bytes(bytes);
  }

  ended(trailers: HeaderList | undefined): void {
    this.#asked.answer.end(trailers);
  }

  reset(code: number): void {
    this.#asked.failed(`reset with code ${code}`);
  }

  moved(): void {}
  sent(): void {}
}
