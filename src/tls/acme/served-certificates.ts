import type { World } from "../../base/world.ts";
import type { Certificates } from "../../core/certificates.ts";
import { AutomaticCertificates, type CertificateNeeds } from "./automatic-certificates.ts";
import { automaticId } from "./automatic-id.ts";
import type { KeeperEvent, KeeperStatus } from "./certificate-keeper.ts";
import { openStorage } from "./disk-storage.ts";
import { INTERNAL } from "./internal-issuer.ts";
import type { IssuedCertificate } from "./issued.ts";

const COUNTS_MAX = 1_000; // reloads may bring other issuers, and storages those of others

/** How often a try came to that. */
export interface OrderCount {
  readonly issuer: string;
  readonly outcome: string;
  readonly count: number;
}

/** Certificates that come by themselves, among all that are served. Of the main thread. */
export class ServedCertificates implements Disposable {
  readonly #certificates: Certificates;
  readonly #automatic: AutomaticCertificates;
  readonly #served: Map<string, string>; // fingerprints by id
  readonly #orders: Map<string, OrderCount>;

  constructor(world: World, certificates: Certificates) {
    this.#certificates = certificates;
    this.#served = new Map();
    this.#orders = new Map();
    this.#automatic = new AutomaticCertificates({
      world,
      openStorage: (folder) => openStorage(world.clock, folder),
      changed: () => this.#serve(),
      counted: (event) => this.#count(event),
    });
  }

  get statuses(): readonly KeeperStatus[] {
    return this.#automatic.statuses;
  }

  /** Since the start; the issuers are those of the configs. */
  get counts(): { readonly missing: number; readonly orders: readonly OrderCount[] } {
    const missing = this.statuses.filter(({ notAfterMs }) => notAfterMs === undefined).length;
    return { missing, orders: [...this.#orders.values()] };
  }

  /** What the storage has is served then, as far as it was found in a moment. */
  async prepare(needs: CertificateNeeds | undefined): Promise<void> {
    await this.#automatic.take(needs);
  }

  /** From now on, with orders. */
  async take(needs: CertificateNeeds | undefined): Promise<void> {
    const isOnDemand = needs?.acme.onDemand !== undefined;
    this.#certificates.demand = isOnDemand ? (name) => this.#demand(name) : undefined;
    await this.#automatic.take(needs);
    this.#automatic.begin();
  }

  /** Of an entry that its CA has revoked; nothing where it did not come by itself. */
  replace(id: string): void {
    this.#automatic.replace((certificate) => idOf(certificate) === id);
  }

  [Symbol.dispose](): void {
    this.#automatic[Symbol.dispose]();
  }

  #count(event: KeeperEvent): void {
    const { issuer } = event;
    const outcome = event.kind === "failed" ? event.failure : event.kind;
    const key = `${issuer} ${outcome}`;
    const count = (this.#orders.get(key)?.count ?? 0) + 1;
    if (count === 1 && this.#orders.size >= COUNTS_MAX) return;
    this.#orders.set(key, { issuer, outcome, count });
  }

  async #demand(name: string): Promise<string | undefined> {
    const found = await this.#automatic.demand(name);
    return found && automaticId("auto", name);
  }

  #serve(): void {
    const gone = new Set(this.#served.keys());
    for (const certificate of this.#automatic.certificates) {
      const id = idOf(certificate);
      gone.delete(id);
      if (this.#served.get(id) === certificate.fingerprint) continue;
      this.#served.set(id, certificate.fingerprint);
      const { names, chain, key } = certificate;
      this.#certificates.set({ id, names, cert: chain, key });
    }
    for (const id of gone) {
      this.#served.delete(id);
      this.#certificates.delete(id);
    }
  }
}

function idOf({ issuer, names }: IssuedCertificate): string {
  return automaticId(issuer === INTERNAL ? "internal" : "auto", names[0]!);
}
