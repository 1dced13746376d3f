import type { Log, Random, Timer } from "../../base/world.ts";
import type { AcmeWorld } from "./acme-client.ts";
import { AcmeFailure } from "./acme-failure.ts";
import type { CertificateStorage, StorageLock } from "./certificate-storage.ts";
import type { ChallengeAnswer } from "./challenge.ts";
import type { IssuedCertificate } from "./issued.ts";
import type { Issuer } from "./issuer.ts";
import type { CertificateWanted } from "./order.ts";
import { renewalByAge, renewalByWish, renewalNotBefore, retryMs } from "./renewal.ts";
import type { Slots } from "./slots.ts";
import { readStored, storeAttempt, storeCertificate, storedAttempt } from "./stored-certificate.ts";

export interface KeeperWorld extends AcmeWorld {
  readonly random: Random;
  readonly log: Log;
}

export interface KeeperParts {
  readonly world: KeeperWorld;
  readonly storage: CertificateStorage;
  readonly issuers: readonly Issuer[]; // in the order in which they are asked
  readonly answers: readonly ChallengeAnswer[];
  readonly slots: Slots; // how many order at once
  readonly changed: (event: KeeperEvent) => void;
}

export type KeeperEvent =
  | { readonly kind: "obtained" | "adopted"; readonly issuer: string }
  | { readonly kind: "failed"; readonly issuer: string; readonly failure: string };

/** For people. */
export interface KeeperStatus {
  readonly names: readonly string[];
  readonly state: "starting" | "ordering" | "held" | "failing";
  readonly issuer: string | undefined; // of what is held
  readonly notAfterMs: number | undefined;
  readonly renewAtMs: number | undefined;
  readonly failures: number; // in a row
  readonly problem: string | undefined; // of the last try, or of the storage
  readonly nextTryMs: number | undefined; // wall time
}

const LOOK_MS = 3_600_000; // clocks jump, and other instances renew: nothing sleeps longer
const LOOK_MS_MIN = 1_000;
const STORAGE_RETRY_MS = 60_000;
const LOCK_WAIT_MS = 600_000; // as long as another one may take
const RESTART_MS = 120_000; // a process that crashes and crashes asks no more often
const LIMIT_MS = 3_600_000; // of a CA that does not say how long
const URGENT_MS = 3 * 86_400_000; // before the end of the one that is held
const WISH_RETRY_MS = 6 * 3_600_000;

/**
 * Keeps one certificate: finds it in the storage, orders it, renews it, and never gives up.
 *
 *     starting ─► held ──due──► ordering ─► held
 *        └──────────────────────►  │ ▲
 *                                  ▼ │ later and later, and when the CA allows it
 *                                failing
 *
 * What is held is served, whatever happens here, until there is something newer. An order is made
 * under a lock, and only after another look into the storage: of several instances one orders, and
 * the others find what it got.
 */
export class CertificateKeeper implements Disposable {
  readonly wanted: CertificateWanted;
  readonly #parts: KeeperParts;
  readonly #limitedUntilMs: Map<Issuer, number>; // monotonic; for this certificate
  #state: KeeperStatus["state"];
  #held: IssuedCertificate | undefined;
  #isUnstored: boolean;
  #renewByAgeMs: number; // wall time, as the next
  #renewByWishMs: number | undefined;
  #isRevoked: boolean;
  #nextTryMs: number | undefined; // wall time
  #askWishMs: number; // monotonic
  #wish: string; // the window that was drawn from
  #attemptMs: number; // wall time of the last attempt that is known of, of whichever instance
  #failures: number;
  #tries: number;
  #seen: string; // the file in the storage as it was when it was looked at last
  #problem: string | undefined;
  #storageProblem: string | undefined;
  #timer: Timer | undefined;
  #isStarted: boolean;
  #isOver: boolean;

  /** `held`: what is served already, by a keeper that this one follows. */
  constructor(parts: KeeperParts, wanted: CertificateWanted, held?: IssuedCertificate) {
    this.wanted = wanted;
    this.#parts = parts;
    this.#limitedUntilMs = new Map();
    this.#state = "starting";
    this.#held = undefined;
    this.#isUnstored = false;
    this.#renewByAgeMs = 0;
    this.#renewByWishMs = undefined;
    this.#isRevoked = false;
    this.#nextTryMs = undefined;
    this.#askWishMs = 0;
    this.#wish = "";
    this.#attemptMs = 0;
    this.#failures = 0;
    this.#tries = 0;
    this.#seen = "";
    this.#problem = undefined;
    this.#storageProblem = undefined;
    this.#timer = undefined;
    this.#isStarted = false;
    this.#isOver = false;
    if (held !== undefined) this.#hold(held);
  }

  get held(): IssuedCertificate | undefined {
    return this.#held;
  }

  get status(): KeeperStatus {
    const held = this.#held;
    return {
      names: this.wanted.names,
      state: this.#state,
      issuer: held?.issuer,
      notAfterMs: held?.notAfterMs,
      renewAtMs: held && this.#renewAtMs,
      failures: this.#failures,
      problem: this.#storageProblem ?? this.#problem,
      nextTryMs: this.#nextTryMs,
    };
  }

  /** Looks into the storage and does nothing else. Never rejects. */
  async load(): Promise<void> {
    try {
      await this.#adopt();
    } catch (error) {
      this.#storageFailed(messageOf(error));
    }
  }

  /** From now on orders and renews. Once. */
  start(): void {
    if (this.#isStarted) return;
    this.#isStarted = true;
    void this.#turn();
  }

  /** An order that is under way ends, and is kept in the storage, but is told to nobody. */
  [Symbol.dispose](): void {
    this.#isOver = true;
    this.#timer?.cancel();
  }

  /** Known to be of no use any more, by another way than the CA's wish: revoked. */
  replace(): void {
    this.#isRevoked = true;
    if (this.#timer !== undefined) this.#sleep(0); // else a turn is under way
  }

  async #turn(): Promise<void> {
    let sleepMs = LOOK_MS;
    this.#timer = undefined;
    try {
      await this.#adopt();
      if (this.#isUnstored) await this.#store();
      await this.#askWish();
      sleepMs = this.#isDue() ? await this.#order() : this.#untilDueMs();
      this.#storageProblem = undefined;
    } catch (error) {
      // Only the storage rejects here. What is held stays, and nothing is ordered blindly.
      this.#storageFailed(messageOf(error));
      sleepMs = STORAGE_RETRY_MS;
    }
    this.#sleep(sleepMs);
  }

  #sleep(ms: number): void {
    if (this.#isOver) return;
    const boundedMs = Math.min(Math.max(ms, LOOK_MS_MIN), LOOK_MS);
    this.#timer?.cancel();
    this.#timer = this.#parts.world.clock.after(boundedMs, () => void this.#turn());
  }

  get #renewAtMs(): number {
    return this.#isRevoked ? 0 : (this.#renewByWishMs ?? this.#renewByAgeMs);
  }

  #isDue(): boolean {
    const wallMs = this.#parts.world.clock.wallMs();
    if (this.#nextTryMs !== undefined && wallMs < this.#nextTryMs) return false;
    return this.#held === undefined || wallMs >= this.#renewFromMs(this.#held, wallMs);
  }

  #renewFromMs(held: IssuedCertificate, wallMs: number): number {
    // Of a CA that is not asked any more, a staging one say: served until there is another.
    if (!this.#parts.issuers.some(({ name }) => name === held.issuer)) return 0;
    const notBeforeMs = renewalNotBefore(
      held,
      this.#isRevoked || this.#renewByWishMs !== undefined,
    );
    // Got in the future: the clock was set back since, and says nothing.
    return Math.max(this.#renewAtMs, held.obtainedMs > wallMs ? 0 : notBeforeMs);
  }

  #untilDueMs(): number {
    const { clock } = this.#parts.world;
    const wallMs = clock.wallMs();
    if (this.#held === undefined) return (this.#nextTryMs ?? wallMs) - wallMs;
    const tryMs = Math.max(this.#renewFromMs(this.#held, wallMs), this.#nextTryMs ?? 0);
    return Math.min(tryMs - wallMs, this.#askWishMs - clock.nowMs());
  }

  /** Takes what the storage has, if it is newer than what is held. */
  async #adopt(): Promise<void> {
    const { storage } = this.#parts;
    const text = (await storage.read(`certificates/${this.wanted.place}.json`)) ?? "";
    if (text === this.#seen) return;
    this.#seen = text;
    if (text === "") return;
    try {
      const found = readStored(text, this.wanted.names);
      const held = this.#held;
      if (held !== undefined && found.notAfterMs <= held.notAfterMs) return;
      this.#hold(found);
      this.#tell({ kind: "adopted", issuer: found.issuer });
    } catch (error) {
      if (this.#held !== undefined) return;
      this.#problem = `what is stored cannot be used: ${messageOf(error)}`;
    }
  }

  #hold(certificate: IssuedCertificate): void {
    this.#held = certificate;
    this.#renewByAgeMs = renewalByAge(certificate, this.#parts.world.random);
    this.#renewByWishMs = undefined;
    this.#isRevoked = false;
    this.#askWishMs = 0;
    this.#wish = "";
    this.#failures = 0;
    this.#nextTryMs = undefined;
    this.#problem = undefined;
    this.#isUnstored = false;
    this.#state = "held";
  }

  /** When its CA would like to be asked for the next one; it moves that when it revokes. */
  async #askWish(): Promise<void> {
    const { clock, random } = this.#parts.world;
    const held = this.#held;
    if (held === undefined || clock.nowMs() < this.#askWishMs) return;
    const issuer = this.#parts.issuers.find(({ name }) => name === held.issuer);
    this.#askWishMs = clock.nowMs() + WISH_RETRY_MS;
    if (held.id === undefined || issuer === undefined || issuer.pausedMs > 0) return;
    const answer = await issuer.renewalWish(held.id).catch(() => undefined);
    if (answer === undefined) return; // the last one holds, or its age
    this.#askWishMs = clock.nowMs() + answer.againMs;
    const wish = `${answer.window.startMs} ${answer.window.endMs}`;
    if (wish === this.#wish) return; // drawing anew each time would draw the earliest in the end
    this.#wish = wish;
    this.#renewByWishMs = renewalByWish(answer.window, held, random);
    if (this.#renewByWishMs === undefined || this.#renewByWishMs > clock.wallMs()) return;
    const { explanation } = answer.window;
    this.#parts.world.log.info("the CA asks for a renewal", { names: held.names, explanation });
  }

  /** Answers with how long to sleep then. */
  async #order(): Promise<number> {
    const { storage, slots } = this.#parts;
    this.#state = "ordering";
    const lock = await storage.lock(`certificate-${this.wanted.place}`, LOCK_WAIT_MS);
    if (lock === undefined) return this.#waiting("another instance orders, and on", LOOK_MS_MIN);
    await using _locked = lock;
    await this.#adopt();
    const waitMs = await this.#othersWaitMs();
    if (!this.#isDue() || waitMs > 0) {
      return this.#waiting(this.#problem, Math.max(waitMs, this.#untilDueMs()));
    }
    using _slot = await slots.take();
    if (this.#isOver) return LOOK_MS;
    return await this.#tryIssuers(lock);
  }

  #waiting(problem: string | undefined, ms: number): number {
    this.#problem = problem;
    this.#state = this.#held === undefined ? "failing" : "held";
    return ms;
  }

  /** What others, or this process before it was started anew, tried a moment ago. */
  async #othersWaitMs(): Promise<number> {
    const { clock, random } = this.#parts.world;
    const wallMs = clock.wallMs();
    const attempt = await storedAttempt(this.#parts.storage, this.wanted.place, wallMs);
    if (attempt === undefined || attempt.atMs === this.#attemptMs) return 0; // ours, or known
    this.#attemptMs = attempt.atMs;
    this.#failures = attempt.failures;
    const againMs = retryMs(attempt.failures, this.#isUrgent(), random);
    const ownMs = attempt.atMs + (this.#tries === 0 ? RESTART_MS : againMs);
    const tryMs = Math.max(attempt.limitedUntilMs, ownMs);
    if (tryMs > wallMs) this.#nextTryMs = tryMs;
    return Math.max(tryMs - wallMs, 0);
  }

  async #tryIssuers(lock: StorageLock): Promise<number> {
    const { issuers, answers, world } = this.#parts;
    const open = issuers.filter((issuer) => this.#pausedMs(issuer) === 0);
    if (open.length === 0) {
      const freeMs = Math.min(...issuers.map((issuer) => this.#pausedMs(issuer)));
      return this.#waiting(this.#problem ?? "the CA is to be left alone for a while", freeMs + 1);
    }
    // Where one way to prove a name does not work, another one may: each try begins with another.
    const turn = this.#tries % Math.max(answers.length, 1);
    const turned = [...answers.slice(turn), ...answers.slice(0, turn)];
    this.#tries++;
    for (const issuer of open) {
      try {
        const ordering = { wanted: this.wanted, before: this.#held, answers: turned, lock };
        return await this.#obtained(await issuer.order(ordering));
      } catch (error) {
        this.#failedAt(issuer, error);
      }
    }
    return await this.#failed(world.clock.wallMs());
  }

  async #obtained(certificate: IssuedCertificate): Promise<number> {
    const { names, issuer, notAfterMs } = certificate;
    this.#hold(certificate);
    this.#isUnstored = true;
    this.#parts.world.log.info("certificate obtained", {
      names,
      issuer,
      notAfter: new Date(notAfterMs).toISOString(),
    });
    this.#tell({ kind: "obtained", issuer });
    await this.#store();
    return this.#untilDueMs();
  }

  /** A full disk must not make us order again: it is served from memory, and stored later. */
  async #store(): Promise<void> {
    const { storage } = this.#parts;
    if (this.#held === undefined) return;
    await storeCertificate(storage, this.wanted.place, this.#held);
    this.#isUnstored = false;
    await storage.delete(`attempts/${this.wanted.place}.json`);
  }

  #pausedMs(issuer: Issuer): number {
    const limitedMs = (this.#limitedUntilMs.get(issuer) ?? 0) - this.#parts.world.clock.nowMs();
    return Math.max(issuer.pausedMs, limitedMs, 0);
  }

  #failedAt(issuer: Issuer, error: unknown): void {
    const { clock, log } = this.#parts.world;
    this.#problem = messageOf(error);
    const failure = error instanceof AcmeFailure ? error.kind : "storage";
    if (error instanceof AcmeFailure && (failure === "rateLimited" || error.retryAfterMs > 0)) {
      const ms = error.retryAfterMs > 0 ? error.retryAfterMs : LIMIT_MS;
      this.#limitedUntilMs.set(issuer, clock.nowMs() + ms);
    }
    const { name } = issuer;
    log.warn("no certificate", { names: this.wanted.names, issuer: name, why: this.#problem });
    this.#tell({ kind: "failed", issuer: name, failure });
  }

  async #failed(wallMs: number): Promise<number> {
    const { storage, issuers, world } = this.#parts;
    this.#failures++;
    this.#state = "failing";
    const limitedMs = Math.min(...issuers.map((issuer) => this.#pausedMs(issuer)));
    const waitMs = Math.max(retryMs(this.#failures, this.#isUrgent(), world.random), limitedMs);
    this.#nextTryMs = wallMs + waitMs;
    const limitedUntilMs = limitedMs === 0 ? 0 : wallMs + limitedMs;
    this.#attemptMs = wallMs;
    const attempt = { failures: this.#failures, atMs: wallMs, limitedUntilMs };
    await storeAttempt(storage, this.wanted.place, attempt);
    return waitMs;
  }

  #isUrgent(): boolean {
    const held = this.#held;
    return held === undefined || held.notAfterMs - this.#parts.world.clock.wallMs() < URGENT_MS;
  }

  #storageFailed(why: string): void {
    if (this.#state === "ordering") this.#state = this.#held === undefined ? "failing" : "held";
    if (this.#storageProblem === `the storage: ${why}`) return; // said already
    this.#storageProblem = `the storage: ${why}`;
    const { log } = this.#parts.world;
    log.warn("certificates cannot be kept", { names: this.wanted.names, why });
  }

  #tell(event: KeeperEvent): void {
    if (!this.#isOver) this.#parts.changed(event);
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
