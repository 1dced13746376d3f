import type { Wire } from "../base/world.ts";
import type { Fault } from "../core/fault.ts";
import type { TlsTerms } from "../core/tls.ts";
import type { Worker } from "../core/worker.ts";
import { type BugTaker, guard } from "./guard.ts";
import { type Waiter, Waiting } from "./waiting.ts";

/** Who waits for it; one of the two is called, once. */
export interface TermsTaker {
  /** undefined: there are none; the wire is as it was. */
  found(terms: TlsTerms | undefined): void;
  /** The wire is destroyed. undefined: it was given up. */
  refused(fault: Fault | undefined): void;
}

/**
 * A client whose terms take a while to find: its certificate is being got, say. It has said its hello
 * and has nothing more to say until it is answered, so its wire is not read meanwhile.
 */
export class TermsAwaited implements Waiter<"terms">, BugTaker {
  readonly #wire: Wire;
  readonly #worker: Worker;
  readonly #taker: TermsTaker;
  readonly #waiting: Waiting<"terms">;
  #isOver: boolean;

  constructor(wire: Wire, worker: Worker, taker: TermsTaker) {
    this.#wire = wire;
    this.#worker = worker;
    this.#taker = taker;
    this.#waiting = new Waiting<"terms">(worker.wheel, this, "terms");
    this.#isOver = false;
  }

  start(terms: Promise<TlsTerms | undefined>, deadlineMs: number): void {
    this.#wire.pause();
    this.#wire.on("close", this.#onClose);
    this.#waiting.for("terms", deadlineMs);
    void terms.then((found) => guard(this, () => this.#found(found)));
  }

  /** The listener drains: what is under way is waited for. */
  drain(): void {}

  /** Gives it up. */
  abort(): void {
    this.#end(undefined);
  }

  overdue(): void {
    this.#end({ code: "handshake_timeout", detail: "its certificate was not there in time" });
  }

  #found(terms: TlsTerms | undefined): void {
    if (this.#isOver) return;
    this.#leave();
    this.#wire.resume();
    this.#taker.found(terms);
  }

  readonly #onClose = (): void => {
    this.#end({ code: "client_gone", detail: "before there was a certificate for it" });
  };

  #end(fault: Fault | undefined): void {
    guard(this, () => {
      if (this.#isOver) return;
      this.#leave();
      this.#wire.destroy();
      this.#taker.refused(fault);
    });
  }

  #leave(): void {
    this.#isOver = true;
    this.#waiting.stop();
    this.#wire.off("close", this.#onClose);
  }

  bug(error: unknown): void {
    this.#worker.bug(error, undefined);
    if (this.#isOver) this.#wire.destroy();
    else this.#end({ code: "bug", detail: String(error) });
  }
}
