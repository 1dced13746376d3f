import type { BodyStage, Onward } from "../../core/body-stage.ts";
import { MessageWatch } from "../../protocol/grpc/message-watch.ts";
import { TextDecoder64 } from "../../protocol/grpc/text-decoder.ts";

/** The messages of a call on their way to the endpoint, which go on as bytes, and as soon as they come. */
export class GrpcWebRequest implements BodyStage {
  readonly #onward: Onward;
  readonly #decoder: TextDecoder64 | undefined; // of the text form
  readonly #watch: MessageWatch;

  constructor(onward: Onward, isText: boolean) {
    this.#onward = onward;
    this.#decoder = isText ? new TextDecoder64() : undefined;
    this.#watch = new MessageWatch();
  }

  get holdsBytes(): boolean {
    return this.#onward.holdsBytes;
  }

  write(bytes: Buffer): boolean {
    const message = this.#decoder === undefined ? bytes : this.#decoder.decode(bytes);
    if (message === undefined) return this.#fail("no base64");
    // A frame of trailers is the server's to send; an endpoint may make anything of it.
    if (!this.#watch.feed(message)) return this.#fail("no message of gRPC");
    return message.length === 0 || this.#onward.write(message);
  }

  flush(): void {
    this.#onward.flush();
  }

  end(): void {
    const isWhole = this.#watch.isBetween && this.#decoder?.isBetween !== false;
    if (isWhole) this.#onward.end(undefined);
    else this.#fail("it ends in the middle of a message");
  }

  resume(): void {
    this.#onward.more();
  }

  stop(): void {
    // Nothing is kept that anybody has to be told of.
  }

  #fail(detail: string): boolean {
    this.#onward.fail({ code: "request_body_malformed", detail });
    return true;
  }
}
