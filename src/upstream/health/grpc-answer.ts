import { readHealthAnswer } from "../../protocol/grpc/health.ts";
import { GRPC, GRPC_NAMES, readGrpcStatus } from "../../protocol/grpc/status.ts";
import type { HeaderList } from "../../protocol/http/header-list.ts";
import type { ProbeAnswer } from "./h2-probe.ts";
import { type Finding, GOOD } from "./probe.ts";

const ANSWER_BYTES_MAX = 1_024; // seven are usual

/** The answer of grpc.health.v1: SERVING, and a status that says so too. */
export class GrpcAnswer implements ProbeAnswer {
  readonly #tell: (finding: Finding) => void;
  #body: Buffer;

  constructor(tell: (finding: Finding) => void) {
    this.#tell = tell;
    this.#body = Buffer.alloc(0);
  }

  head(status: number, headers: HeaderList): void {
    if (status !== 200) this.#tell(`status ${status}`);
    // A head alone, of a call that failed before it began.
    else if (headers.get("grpc-status") !== undefined) this.#tellStatus(headers);
  }

  bytes(bytes: Buffer): void {
    this.#body = Buffer.concat([this.#body, bytes]);
    if (this.#body.length > ANSWER_BYTES_MAX) this.#tell("the answer is too long");
  }

  end(trailers: HeaderList | undefined): void {
    if (trailers?.get("grpc-status") === undefined) this.#tell("no grpc-status");
    else this.#tellStatus(trailers);
  }

  #tellStatus(fields: HeaderList): void {
    const number = readGrpcStatus(fields.get("grpc-status")!);
    if (number !== GRPC.OK) {
      this.#tell(GRPC_NAMES[number]);
      return;
    }
    const read = readHealthAnswer(this.#body);
    if (typeof read === "string") this.#tell(read);
    else this.#tell(read.status === "SERVING" ? GOOD : read.status);
  }
}
