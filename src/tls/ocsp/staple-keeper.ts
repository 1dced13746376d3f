import type { X509Certificate } from "node:crypto";
import type { Timer, World } from "../../base/world.ts";
import { type CertificateKey, writeStatusRequest } from "../../protocol/ocsp/certificate-key.ts";
import type { Slots } from "../acme/slots.ts";
import { judge, STAPLE_LIFE_MS_MIN, type Staple, type Verdict } from "./verdict.ts";

export type StapleWorld = Pick<World, "clock" | "random" | "web" | "log">;

export interface StapleParts {
  readonly world: StapleWorld;
  readonly slots: Slots; // how many ask at once
  /** The staple, or what is known of the certificate, is another one. */
  readonly changed: () => void;
  readonly counted: (outcome: StapleOutcome) => void;
}

/** What came of asking once. */
export type StapleOutcome = "good" | "revoked" | "refused" | "unreachable";

export interface StapleWanted {
  readonly id: string; // of the certificate, for the log
  readonly responder: string; // its URL
  readonly key: CertificateKey;
  readonly issuer: X509Certificate;
}

/** For people. */
export interface StapleStatus {
  readonly responder: string;
  readonly state: "asking" | "stapled" | "failing" | "revoked";
  readonly thisUpdateMs: number | undefined; // of what is stapled
  readonly nextUpdateMs: number | undefined;
  readonly problem: string | undefined; // of the last try
  readonly nextTryMs: number | undefined; // wall time
}

const LOOK_MS = 3_600_000; // clocks jump: nothing sleeps longer
const ASK_MS_MIN = 60_000; // between two questions
const JITTER = 0.1; // of the validity: many certificates of one CA were got on one day
const RETRY_MS_MIN = 60_000;
const RETRY_MS_MAX = 3_600_000;
const TIMEOUT_MS = 10_000;
const ANSWER_BYTES_MAX = 64 * 1024; // one or two KiB are usual
const DRAWS = 1_000_000;

/**
 * Keeps the answer about one certificate that is stapled to it: asks the responder, asks anew at
 * half of the answer's life, and later and later where that fails. The last good one is kept for as
 * long as it holds, whatever the responder says or does not say, unless it says "revoked".
 */
export class StapleKeeper implements Disposable {
  readonly #parts: StapleParts;
  readonly #wanted: StapleWanted;
  #staple: Staple | undefined;
  #heldFromMs: number | undefined; // of the newest answer, also when it has expired
  #isRevoked: boolean;
  #askMs: number; // wall time
  #failures: number;
  #problem: string | undefined;
  #timer: Timer | undefined;
  #isOver: boolean;

  constructor(parts: StapleParts, wanted: StapleWanted) {
    this.#parts = parts;
    this.#wanted = wanted;
    this.#staple = undefined;
    this.#heldFromMs = undefined;
    this.#isRevoked = false;
    this.#askMs = 0;
    this.#failures = 0;
    this.#problem = undefined;
    this.#timer = undefined;
    this.#isOver = false;
  }

  get staple(): Uint8Array | undefined {
    return this.#staple?.bytes;
  }

  get isRevoked(): boolean {
    return this.#isRevoked;
  }

  get status(): StapleStatus {
    const staple = this.#staple;
    return {
      responder: this.#wanted.responder,
      state: this.#state(),
      thisUpdateMs: staple?.fromMs,
      nextUpdateMs: staple?.untilMs,
      problem: this.#problem,
      nextTryMs: this.#askMs === 0 ? undefined : this.#askMs,
    };
  }

  /** Once. Done when the first answer is there, or is not to be had. */
  async start(): Promise<void> {
    await this.#turn();
  }

  [Symbol.dispose](): void {
    this.#isOver = true;
    this.#timer?.cancel();
  }

  #state(): StapleStatus["state"] {
    if (this.#isRevoked) return "revoked";
    if (this.#staple !== undefined) return "stapled";
    return this.#problem === undefined ? "asking" : "failing";
  }

  async #turn(): Promise<void> {
    const { clock } = this.#parts.world;
    this.#dropExpired();
    if (clock.wallMs() >= this.#askMs) {
      using _slot = await this.#parts.slots.take();
      if (!this.#isOver) await this.#ask();
    }
    if (this.#isOver) return;
    const wallMs = clock.wallMs();
    const dropMs = this.#staple === undefined ? Infinity : endOf(this.#staple);
    const sleepMs = Math.min(this.#askMs - wallMs, dropMs - wallMs, LOOK_MS);
    this.#timer = clock.after(Math.max(sleepMs, 0) + 1, () => void this.#turn());
  }

  #dropExpired(): void {
    if (this.#staple === undefined) return;
    if (this.#parts.world.clock.wallMs() < endOf(this.#staple)) return;
    this.#staple = undefined;
    this.#parts.changed();
  }

  async #ask(): Promise<void> {
    const answer = await this.#answer();
    if (this.#isOver) return;
    const { counted } = this.#parts;
    if (answer instanceof Error) {
      counted("unreachable");
      return this.#failed(answer.message);
    }
    counted(answer.kind);
    if (answer.kind === "refused") return this.#failed(answer.why);
    this.#failures = 0;
    if (answer.kind === "good") this.#took(answer.staple);
    else this.#revoked();
  }

  async #answer(): Promise<Verdict | Error> {
    const { clock, web } = this.#parts.world;
    const { responder, key, issuer } = this.#wanted;
    try {
      const { status, body } = await web.ask({
        method: "GET",
        url: questionUrl(responder, key),
        // It will not be asked again for days.
        headers: { accept: "application/ocsp-response", connection: "close" },
        body: undefined,
        roots: undefined,
        timeoutMs: TIMEOUT_MS,
        answerBytesMax: ANSWER_BYTES_MAX,
      });
      // A redirect, too: the certificate says whom to ask, and nobody else does.
      if (status !== 200) return new Error(`it answers ${status}`);
      return judge(body, { key, issuer }, { wallMs: clock.wallMs(), heldFromMs: this.#heldFromMs });
    } catch (error) {
      return error instanceof Error ? error : new Error(String(error));
    }
  }

  #took(staple: Staple): void {
    const { world, changed } = this.#parts;
    const { fromMs, untilMs } = staple;
    const lifeMs = untilMs - fromMs;
    const dueMs = fromMs + lifeMs * (0.5 + JITTER * (fraction(world.random) - 0.5));
    this.#askMs = Math.max(dueMs, world.clock.wallMs() + ASK_MS_MIN);
    this.#problem = undefined;
    this.#isRevoked = false;
    this.#heldFromMs = fromMs;
    this.#staple = staple;
    changed();
  }

  #revoked(): void {
    const { world, changed } = this.#parts;
    this.#askMs = world.clock.wallMs() + RETRY_MS_MAX;
    this.#problem = undefined;
    if (this.#isRevoked) return;
    this.#isRevoked = true;
    this.#staple = undefined;
    world.log.warn("certificate is revoked", { certificate: this.#wanted.id });
    changed();
  }

  #failed(why: string): void {
    const { clock, random, log } = this.#parts.world;
    const { id, responder } = this.#wanted;
    const grownMs = Math.min(RETRY_MS_MIN * 2 ** Math.min(this.#failures, 20), RETRY_MS_MAX);
    this.#failures++;
    this.#askMs = clock.wallMs() + grownMs * (0.8 + 0.4 * fraction(random));
    if (this.#problem !== why) log.warn("no OCSP answer", { certificate: id, responder, why });
    this.#problem = why;
  }
}

/** When it is to be had no more. */
function endOf({ untilMs }: Staple): number {
  return untilMs - STAPLE_LIFE_MS_MIN;
}

/** RFC 6960 §A.1: as part of the URL, so that answers can come out of a cache. */
function questionUrl(responder: string, key: CertificateKey): string {
  const question = encodeURIComponent(writeStatusRequest(key).toString("base64"));
  return `${responder}${responder.endsWith("/") ? "" : "/"}${question}`;
}

function fraction(random: StapleWorld["random"]): number {
  return random.below(DRAWS) / DRAWS;
}
