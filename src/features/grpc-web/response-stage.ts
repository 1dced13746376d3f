import type { BodyStage, Onward } from "../../core/body-stage.ts";
import { MessageWatch } from "../../protocol/grpc/message-watch.ts";
import { GRPC } from "../../protocol/grpc/status.ts";
import type { HeaderList } from "../../protocol/http/header-list.ts";

const TRAILERS = 0x80; // the flag of the frame that they are in
const PREFIX_BYTES = 5;
const GROUP_BYTES = 3; // that make four letters of base64

/**
 * The messages of a call on their way to a browser, which cannot see trailers: they come as a last
 * frame. As text each read's worth of bytes is padded by itself, so that no message waits for the next.
 */
export class GrpcWebResponse implements BodyStage {
  readonly #onward: Onward;
  readonly #isText: boolean;
  readonly #watch: MessageWatch;
  #rest: Buffer | undefined; // of the text form: bytes that make no group of four letters yet

  constructor(onward: Onward, isText: boolean) {
    this.#onward = onward;
    this.#isText = isText;
    this.#watch = new MessageWatch();
    this.#rest = undefined;
  }

  get holdsBytes(): boolean {
    return this.#onward.holdsBytes;
  }

  write(bytes: Buffer): boolean {
    if (!this.#watch.feed(bytes)) {
      this.#onward.fail({ code: "response_body_malformed", detail: "no message of gRPC" });
      return true;
    }
    return this.#isText ? this.#writeText(bytes) : this.#onward.write(bytes);
  }

  #writeText(bytes: Buffer): boolean {
    const all = this.#rest === undefined ? bytes : Buffer.concat([this.#rest, bytes]);
    const whole = all.length - (all.length % GROUP_BYTES);
    this.#rest = whole === all.length ? undefined : Buffer.from(all.subarray(whole));
    return whole === 0 || this.#onward.write(textOf(all.subarray(0, whole)));
  }

  flush(): void {
    this.#writeRest();
    this.#onward.flush();
  }

  #writeRest(): void {
    const rest = this.#rest;
    this.#rest = undefined;
    if (rest !== undefined) this.#onward.write(textOf(rest));
  }

  end(trailers: HeaderList | undefined): void {
    if (!this.#watch.isBetween) {
      const detail = "it ends in the middle of a message";
      this.#onward.fail({ code: "response_body_malformed", detail });
      return;
    }
    const frame = trailerFrame(trailers);
    if (this.#isText) {
      this.#writeText(frame);
      this.#writeRest();
    } else this.#onward.write(frame);
    this.#onward.end(undefined);
  }

  resume(): void {
    this.#onward.more();
  }

  stop(): void {
    this.#rest = undefined;
  }
}

/** An endpoint that says nothing of how the call ended is told for what it is. */
function trailerFrame(trailers: HeaderList | undefined): Buffer {
  let lines = "";
  trailers?.each((name, value) => {
    lines += `${name.toLowerCase()}:${value}\r\n`;
  });
  if (trailers?.has("grpc-status") !== true) lines += `grpc-status:${GRPC.UNKNOWN}\r\n`;
  const frame = Buffer.alloc(PREFIX_BYTES + lines.length);
  frame[0] = TRAILERS;
  frame.writeUInt32BE(lines.length, 1);
  frame.write(lines, PREFIX_BYTES, "latin1");
  return frame;
}

function textOf(bytes: Buffer): Buffer {
  return Buffer.from(bytes.toString("base64"), "latin1");
}
