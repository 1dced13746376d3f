import { MalformedAnswer, readWindow } from "../../protocol/acme/resources.ts";
import { AcmeAccount } from "./account.ts";
import { AcmeClient, type AcmeWorld } from "./acme-client.ts";
import { AcmeFailure } from "./acme-failure.ts";
import type { Authority } from "./authority.ts";
import type { CertificateStorage } from "./certificate-storage.ts";
import type { IssuedCertificate } from "./issued.ts";
import type { Issuer, Ordering, RenewalAnswer } from "./issuer.ts";
import { Order } from "./order.ts";

const PAUSE_MS = 60_000;
const PAUSE_MS_MAX = 600_000;
const WISH_MS_MIN = 60_000;
const WISH_MS_MAX = 86_400_000;
const WISH_MS = 6 * 3_600_000; // RFC 9773 §4.3.3

/**
 * One CA with our account there. Where it cannot be reached, or has had enough of us, it is left
 * alone for a while by all certificates, so that a hundred of them do not each find out.
 */
export class AcmeIssuer implements Issuer {
  readonly name: string;
  readonly #world: AcmeWorld;
  readonly #storage: CertificateStorage;
  readonly #client: AcmeClient;
  readonly #account: AcmeAccount;
  #pausedUntilMs: number;
  #pauses: number; // in a row

  constructor(world: AcmeWorld, storage: CertificateStorage, authority: Authority) {
    this.name = authority.name;
    this.#world = world;
    this.#storage = storage;
    this.#client = new AcmeClient(world, authority);
    this.#account = new AcmeAccount(this.#client, storage);
    this.#pausedUntilMs = 0;
    this.#pauses = 0;
  }

  get pausedMs(): number {
    return Math.max(0, this.#pausedUntilMs - this.#world.clock.nowMs());
  }

  async order({ wanted, before, answers, lock }: Ordering): Promise<IssuedCertificate> {
    const { clock } = this.#world;
    const order = new Order(
      {
        clock,
        client: this.#client,
        account: this.#account,
        storage: this.#storage,
        answers,
        lock,
      },
      wanted,
    );
    try {
      const isOwn = before?.issuer === this.name;
      const issued = await order.obtain(isOwn ? before.id : undefined);
      this.#pauses = 0;
      return issued;
    } catch (error) {
      if (error instanceof AcmeFailure) this.#learn(error);
      throw error;
    }
  }

  async renewalWish(id: string): Promise<RenewalAnswer | undefined> {
    const { renewalInfo } = await this.#client.directory();
    if (renewalInfo === undefined) return undefined;
    const url = `${renewalInfo.replace(/\/$/, "")}/${id}`;
    try {
      const { json, retryAfterMs = WISH_MS } = await this.#client.get(url);
      const againMs = Math.min(Math.max(retryAfterMs, WISH_MS_MIN), WISH_MS_MAX);
      return { window: readWindow(json), againMs };
    } catch (error) {
      if (error instanceof AcmeFailure || error instanceof MalformedAnswer) return undefined;
      throw error;
    }
  }

  /** It was asked for elsewhere too often, or is away. A refusal is about one certificate alone. */
  #learn({ kind, retryAfterMs }: AcmeFailure): void {
    if (kind === "refused") return;
    const grown = Math.min(PAUSE_MS * 2 ** Math.min(this.#pauses, 10), PAUSE_MS_MAX);
    const pauseMs = Math.min(Math.max(retryAfterMs, grown), PAUSE_MS_MAX);
    const untilMs = this.#world.clock.nowMs() + pauseMs;
    if (this.pausedMs === 0) this.#pauses++; // one outage that many run into is one
    this.#pausedUntilMs = Math.max(this.#pausedUntilMs, untilMs);
  }
}
