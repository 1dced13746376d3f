import {
  createPrivateKey,
  generateKeyPair,
  generateKeyPairSync,
  type KeyObject,
} from "node:crypto";
import { promisify } from "node:util";
import type { Clock } from "../../base/world.ts";
import { writeRequest } from "../../protocol/acme/certificate-writer.ts";
import { identifierOf } from "../../protocol/acme/identifier.ts";
import { keyAuthorization, type Signer } from "../../protocol/acme/jws.ts";
import {
  type AcmeAuthorization,
  type AcmeChallenge,
  type AcmeOrder,
  MalformedAnswer,
  readAuthorization,
  readOrder,
} from "../../protocol/acme/resources.ts";
import type { AcmeAccount } from "./account.ts";
import { type AcmeClient, pause } from "./acme-client.ts";
import { AcmeFailure } from "./acme-failure.ts";
import type { CertificateStorage, StorageLock } from "./certificate-storage.ts";
import type { ChallengeAnswer } from "./challenge.ts";
import { type IssuedCertificate, readIssued } from "./issued.ts";

export type KeyType = "p256" | "p384" | "rsa2048" | "rsa4096";

export interface CertificateWanted {
  readonly place: string; // part of its keys in the storage
  readonly names: readonly string[];
  readonly keyType: KeyType;
  readonly mustStaple?: boolean;
}

export interface OrderParts {
  readonly clock: Clock;
  readonly client: AcmeClient;
  readonly account: AcmeAccount;
  readonly storage: CertificateStorage;
  readonly answers: readonly ChallengeAnswer[]; // those to prefer first
  readonly lock: StorageLock;
}

/** An order under way, kept so that a process that dies in the middle does not order twice. */
interface Pending {
  readonly account: string;
  readonly url: string;
  readonly names: readonly string[];
  readonly key: string; // PEM, of the certificate to be
}

const STEP_MS = 300_000; // for a CA to make up its mind, each time
const POLL_MS_MIN = 250;
const POLL_MS_MAX = 10_000;
const POLL_GROWTH = 1.6;

/**
 * One certificate from one CA (RFC 8555 §7.4):
 *
 *     order ─► pending ──prove every name──► ready ──finalize──► processing ─► valid ─► download
 *                 └──────────────────────────► invalid: an AcmeFailure says why
 *
 * Takes up an order that was begun before. Whatever the CA says is held against what was asked.
 */
export class Order {
  readonly #parts: OrderParts;
  readonly #wanted: CertificateWanted;
  #signer!: Signer & { readonly account: string }; // from obtain() on

  constructor(parts: OrderParts, wanted: CertificateWanted) {
    this.#parts = parts;
    this.#wanted = wanted;
  }

  /** `replaces`: what the CA calls the certificate before this one. */
  async obtain(replaces: string | undefined): Promise<IssuedCertificate> {
    try {
      this.#signer = await this.#parts.account.signer();
      const { pending, order } = (await this.#resumed()) ?? (await this.#begun(replaces));
      const issued = await this.#finish(pending, order);
      await this.#dropPending();
      return issued;
    } catch (error) {
      if (error instanceof MalformedAnswer) throw new AcmeFailure("malformed", error.message);
      if (error instanceof AcmeFailure && error.problem?.type === "accountDoesNotExist") {
        await this.#parts.account.forget();
      }
      throw error;
    }
  }

  /** The one that was begun before, if it can still come to something. */
  async #resumed(): Promise<{ pending: Pending; order: AcmeOrder } | undefined> {
    const pending = await this.#readPending();
    if (pending === undefined) return undefined;
    const isOurs =
      pending.account === this.#signer.account &&
      pending.names.join() === this.#wanted.names.join();
    if (!isOurs) return undefined;
    try {
      const order = await this.#read(pending.url);
      if (order.status !== "invalid") return { pending, order };
    } catch (error) {
      // Gone, or no order any more: a new one. A CA that is away is another matter.
      if (!(error instanceof AcmeFailure && error.kind === "refused")) throw error;
    }
    await this.#dropPending();
    return undefined;
  }

  async #begun(
    replaces: string | undefined,
  ): Promise<{ readonly pending: Pending; readonly order: AcmeOrder }> {
    const { client } = this.#parts;
    const { names, keyType } = this.#wanted;
    const key = (await newKey(keyType)).export({ type: "pkcs8", format: "pem" });
    // Where nothing can be kept, nothing is ordered: it could be ordered again and again.
    const begun = { account: this.#signer.account, url: "", names, key };
    await this.#writePending(begun);
    const { profile } = client.authority;
    const wanted = {
      identifiers: names.map(identifierOf),
      ...(profile === undefined ? {} : { profile }),
    };
    const { newOrder, renewalInfo } = await client.directory();
    this.#ownLock();
    const mayReplace = renewalInfo !== undefined && replaces !== undefined;
    const { json, location } = await this.#send(
      newOrder,
      mayReplace ? { ...wanted, replaces } : wanted,
    ).catch((error: unknown) => {
      // That one was replaced before, or is of another CA: no reason to go without (RFC 9773 §5).
      if (!mayReplace || !isRefused(error)) throw error;
      return this.#send(newOrder, wanted);
    });
    const order = readOrder(json);
    this.#holdAgainst(order);
    if (location === undefined || !location.startsWith("https://")) {
      throw new AcmeFailure(
        "malformed",
        `${client.authority.name} does not say where the order is`,
      );
    }
    const pending = { ...begun, url: location };
    await this.#writePending(pending);
    return { pending, order };
  }

  async #finish({ url, key }: Pending, begun: AcmeOrder): Promise<IssuedCertificate> {
    let order = begun;
    if (order.status === "pending") {
      for (const each of order.authorizations) await this.#authorize(each);
      order = await this.#until(url, order, (status) => status !== "pending");
    }
    if (order.status === "ready") {
      this.#ownLock();
      const { names, mustStaple } = this.#wanted;
      const request = writeRequest(names, createPrivateKey(key), mustStaple);
      const { json } = await this.#send(order.finalize, { csr: request.toString("base64url") });
      order = this.#holdAgainst(readOrder(json));
    }
    order = await this.#until(url, order, (status) => status === "valid");
    if (order.certificate === undefined) throw new MalformedAnswer("a valid order, no certificate");
    const { text } = await this.#parts.client.read(order.certificate, this.#signer);
    const { client, clock } = this.#parts;
    const from = { issuer: client.authority.name, obtainedMs: clock.wallMs() };
    try {
      return readIssued({ chain: text, key }, this.#wanted.names, from);
    } catch (error) {
      await this.#dropPending(); // it will not be another one next time
      throw new MalformedAnswer(`its certificate cannot be used: ${messageOf(error)}`);
    }
  }

  /** Asks for the order until it is as far as that. */
  async #until(
    url: string,
    begun: AcmeOrder,
    isDone: (status: AcmeOrder["status"]) => boolean,
  ): Promise<AcmeOrder> {
    let order = begun;
    const poll = new Poll(this.#parts.clock);
    while (!isDone(order.status)) {
      if (order.status === "invalid") {
        await this.#dropPending();
        throw this.#refusal(`the order failed`, order.error);
      }
      // Done with the proofs, and back again: an order does not go that way.
      if (order.status === "pending" && begun.status !== "pending") {
        throw new MalformedAnswer("an order that goes backwards");
      }
      await poll.wait("the order to go on");
      const answer = await this.#parts.client.read(url, this.#signer);
      poll.askedFor(answer.retryAfterMs);
      order = this.#holdAgainst(readOrder(answer.json));
    }
    return order;
  }

  async #authorize(url: string): Promise<void> {
    const { client, answers } = this.#parts;
    const authorization = readAuthorization((await client.read(url, this.#signer)).json);
    if (authorization.status === "valid") return; // proven for an order before
    const { value } = authorization.identifier;
    const asked = authorization.isWildcard ? `*.${value}` : value;
    if (!this.#wanted.names.includes(asked)) throw new MalformedAnswer(`asks to prove ${asked}`);
    if (authorization.status !== "pending") {
      throw this.#refusal(`${asked} is ${authorization.status}`, errorIn(authorization));
    }
    const chosen = chooseChallenge(answers, authorization);
    if (chosen === undefined) {
      const offered = authorization.challenges.map(({ type }) => type).join(", ");
      throw this.#refusal(`no way to prove ${asked}: the CA takes ${offered}`, undefined);
    }
    const { answer, challenge } = chosen;
    const proof = {
      identifier: authorization.identifier,
      token: challenge.token,
      authorization: keyAuthorization(challenge.token, this.#signer.key),
    };
    await using _shown = await answer.present(proof);
    this.#ownLock();
    await this.#send(challenge.url, {});
    await this.#proven(url, asked);
  }

  async #proven(url: string, asked: string): Promise<void> {
    const poll = new Poll(this.#parts.clock);
    for (;;) {
      await poll.wait(`${asked} to be looked at`);
      const answer = await this.#parts.client.read(url, this.#signer);
      poll.askedFor(answer.retryAfterMs);
      const authorization = readAuthorization(answer.json);
      if (authorization.status === "valid") return;
      if (authorization.status === "pending") continue;
      await this.#dropPending();
      throw this.#refusal(`${asked} was not proven`, errorIn(authorization));
    }
  }

  async #send(url: string, payload: unknown) {
    return await this.#parts.client.send(url, payload, this.#signer);
  }

  async #read(url: string): Promise<AcmeOrder> {
    const { json } = await this.#parts.client.read(url, this.#signer);
    return this.#holdAgainst(readOrder(json));
  }

  /** For the names that were asked for, with as many proofs at most; else it is not our order. */
  #holdAgainst(order: AcmeOrder): AcmeOrder {
    const wanted = this.#wanted.names.map((name) => identifierOf(name).value).toSorted();
    const got = order.identifiers.map(({ value }) => value).toSorted();
    if (wanted.join() !== got.join()) throw new MalformedAnswer("an order for other names");
    if (order.authorizations.length > wanted.length) throw new MalformedAnswer("too many proofs");
    return order;
  }

  #refusal(what: string, problem: AcmeChallenge["error"]): AcmeFailure {
    const why = problem === undefined ? "" : ` (${problem.type}: ${problem.detail})`;
    const kind = problem?.type === "rateLimited" ? "rateLimited" : "refused";
    return new AcmeFailure(kind, `${this.#parts.client.authority.name}: ${what}${why}`, {
      ...(problem === undefined ? {} : { problem }),
    });
  }

  /** Before every step that another instance could be taking, too. */
  #ownLock(): void {
    if (!this.#parts.lock.isLost) return;
    throw new AcmeFailure("unreachable", "the lock was lost: another instance goes on");
  }

  get #pendingKey(): string {
    return `orders/${this.#wanted.place}.json`;
  }

  async #readPending(): Promise<Pending | undefined> {
    const text = await this.#parts.storage.read(this.#pendingKey);
    try {
      const pending = text === undefined ? undefined : (JSON.parse(text) as Pending);
      if (pending === undefined || !pending.url.startsWith("https://")) return undefined;
      createPrivateKey(pending.key);
      return pending;
    } catch {
      return undefined; // half of one
    }
  }

  async #writePending(pending: Pending): Promise<void> {
    await this.#parts.storage.write(this.#pendingKey, JSON.stringify(pending));
  }

  async #dropPending(): Promise<void> {
    await this.#parts.storage.delete(this.#pendingKey).catch(() => {}); // it is checked when read
  }
}

/** Asks less and less often, as the CA wishes, and not for ever. */
class Poll {
  readonly #clock: Clock;
  readonly #endMs: number;
  #nextMs: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#endMs = clock.nowMs() + STEP_MS;
    this.#nextMs = POLL_MS_MIN;
  }

  askedFor(ms: number | undefined): void {
    if (ms !== undefined) this.#nextMs = Math.min(Math.max(ms, this.#nextMs), 6 * POLL_MS_MAX);
  }

  async wait(what: string): Promise<void> {
    if (this.#clock.nowMs() >= this.#endMs) {
      throw new AcmeFailure("unreachable", `gave up waiting for ${what}`);
    }
    await pause(this.#clock, this.#nextMs);
    this.#nextMs = Math.min(this.#nextMs * POLL_GROWTH, POLL_MS_MAX);
  }
}

function chooseChallenge(answers: readonly ChallengeAnswer[], authorization: AcmeAuthorization) {
  const { identifier, isWildcard, challenges } = authorization;
  for (const answer of answers) {
    const challenge = challenges.find(({ type }) => type === answer.kind);
    const isOpen = challenge !== undefined && challenge.token !== "";
    if (isOpen && answer.canProve(identifier, isWildcard)) return { answer, challenge };
  }
  return undefined;
}

function errorIn({ challenges }: AcmeAuthorization): AcmeChallenge["error"] {
  return challenges.find(({ error }) => error !== undefined)?.error;
}

/** RSA takes up to seconds, and this thread may be one that serves. */
async function newKey(type: KeyType): Promise<KeyObject> {
  if (type === "p256") return generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey;
  if (type === "p384") return generateKeyPairSync("ec", { namedCurve: "P-384" }).privateKey;
  const modulusLength = type === "rsa2048" ? 2048 : 4096;
  return (await promisify(generateKeyPair)("rsa", { modulusLength })).privateKey;
}

function isRefused(error: unknown): boolean {
  return error instanceof AcmeFailure && error.kind === "refused";
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
