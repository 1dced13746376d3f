import type { Wire } from "../base/world.ts";
import { FAULTS, type FaultCode } from "../core/fault.ts";
import type { Protocol } from "../core/runtime.ts";
import type { Worker } from "../core/worker.ts";
import { reasonOf } from "../protocol/http/status.ts";
import { Waiting } from "../transport/waiting.ts";

const ANSWERED_MAX = 256; // at once, in each worker: to answer must cost less than to serve
const WAIT_MS = 1_000;
const RETRY_AFTER_S = 1;

// An empty SETTINGS, and GOAWAY with no stream taken: ENHANCE_YOUR_CALM (RFC 9113 §7).
const H2_CALM = Buffer.from(
  "000000040000000000" + "000008070000000000" + "00000000" + "0000000b",
  "hex",
);

/**
 * Answers connections that are one too many, without reading what they ask: in the clear that is
 * cheap, and a client knows then when to come again. Over TLS it would take a handshake.
 */
export class TurnAway {
  #answered: number; // and not closed yet

  constructor() {
    this.#answered = 0;
  }

  /** The wire is nobody's. `isPlain`: what comes first on it is HTTP. */
  refuse(wire: Wire, worker: Worker, code: FaultCode, protocols: readonly Protocol[]): void {
    if (this.#answered >= ANSWERED_MAX) {
      wire.on("error", () => {});
      wire.destroy();
      return;
    }
    this.#answered++;
    const waiting = new Waiting(worker.wheel, { overdue: () => wire.destroy() }, "its end");
    wire.on("error", () => {});
    wire.on("data", () => {}); // with unread bytes a close would be a reset, and overtake the answer
    wire.on("end", () => wire.destroySoon());
    wire.on("close", () => {
      this.#answered--;
      waiting.stop();
    });
    waiting.for("its end", WAIT_MS);
    if (protocols.includes("h1")) wire.write(answerOf(code), "latin1");
    else wire.write(H2_CALM);
    wire.end();
  }
}

function answerOf(code: FaultCode): string {
  const { status } = FAULTS[code];
  const body = `${status} ${reasonOf(status)}: ${code}\n`;
  return (
    `HTTP/1.1 ${status} ${reasonOf(status)}\r\ncontent-type: text/plain; charset=utf-8\r\n` +
    `content-length: ${body.length}\r\nretry-after: ${RETRY_AFTER_S}\r\nconnection: close\r\n\r\n${body}`
  );
}

// A fatal alert, before there are keys: unrecognized_name (RFC 6066 §3).
const UNRECOGNIZED_NAME = Buffer.from([21, 3, 3, 0, 2, 2, 112]);

export function refuseName(wire: Wire): void {
  wire.on("error", () => {});
  wire.write(UNRECOGNIZED_NAME);
  wire.destroySoon();
}
