import type { Network, TlsFacts, Wire } from "../base/world.ts";
import type { Fault, FaultCode } from "../core/fault.ts";
import type { ClientTls, TlsTerms } from "../core/tls.ts";
import type { Worker } from "../core/worker.ts";
import { type BugTaker, guard } from "./guard.ts";
import { type Waiter, Waiting } from "./waiting.ts";

/** Who waits for it; one of the two is called, once. */
export interface HandshakeTaker {
  /** The wire is nobody's: whoever gets it attaches handlers of its own at once. */
  secured(wire: Wire, tls: ClientTls): void;
  /** The wire is destroyed. undefined: it was given up. */
  refused(fault: Fault | undefined): void;
}

/** What is secured, and under which terms. */
export interface HandshakeWants {
  readonly wire: Wire;
  readonly early: Uint8Array; // the ClientHello, and what has come behind it
  readonly serverName: string; // as the hello was read before
  readonly terms: TlsTerms;
}

/** One TLS handshake with a client, under a deadline, from its ClientHello on. */
export class Handshake implements Waiter<"handshake">, BugTaker {
  readonly #worker: Worker;
  readonly #wants: HandshakeWants;
  readonly #taker: HandshakeTaker;
  readonly #waiting: Waiting<"handshake">;
  #wire: Wire;
  #isOver: boolean;

  constructor(worker: Worker, wants: HandshakeWants, taker: HandshakeTaker) {
    this.#worker = worker;
    this.#wants = wants;
    this.#taker = taker;
    this.#waiting = new Waiting<"handshake">(worker.wheel, this, "handshake");
    this.#wire = wants.wire;
    this.#isOver = false;
  }

  start(network: Network, deadlineMs: number): void {
    const { wire, early, terms } = this.#wants;
    this.#waiting.for("handshake", deadlineMs);
    this.#wire = network.acceptTls!(wire, early, terms.server, {
      secured: (facts) => guard(this, () => this.#onSecure(facts)),
      failed: (why, isCertificate) => {
        this.#refuse(isCertificate ? "client_certificate" : "handshake_failed", why);
      },
    });
  }

  /** The listener drains: the client is served what it comes with. */
  drain(): void {}

  /** Gives it up. */
  abort(): void {
    this.#end(undefined);
  }

  #onSecure(facts: TlsFacts): void {
    if (this.#isOver) return;
    const { serverName, terms } = this.#wants;
    // The terms were chosen by the name as we had read it. A resumed session of TLS 1.2 tells the
    // name that it began with, and was made under these very terms.
    if (facts.serverName !== serverName && !facts.isResumed) {
      this.#refuse("client_hello_malformed", "its server name can be read in two ways");
      return;
    }
    if (this.#hasExpired(facts.certificate)) {
      this.#refuse("client_certificate", "CERT_HAS_EXPIRED");
      return;
    }
    this.#leave();
    this.#taker.secured(this.#wire, { ...facts, serverName, policy: terms.policy });
  }

  /** Since its session began: who resumes one is not verified again. */
  #hasExpired(certificate: TlsFacts["certificate"]): boolean {
    if (certificate === undefined) return false;
    return certificate.validToDate.getTime() < this.#worker.world.clock.wallMs();
  }

  overdue(): void {
    this.#refuse("handshake_timeout", "");
  }

  #refuse(code: FaultCode, detail: string): void {
    this.#end({ code, detail });
  }

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
  }

  bug(error: unknown): void {
    this.#worker.bug(error, undefined);
    if (this.#isOver) this.#wire.destroy();
    else this.#refuse("bug", String(error));
  }
}
