import type { World } from "../../base/world.ts";
import type { Certificates } from "../../core/certificates.ts";
import { AutomaticCertificates, type CertificateNeeds } from "./automatic-certificates.ts";
import { automaticId } from "./automatic-id.ts";
import type { KeeperEvent, KeeperStatus } from "./certificate-keeper.ts";
import { openStorage } from "./disk-storage.ts";
import { INTERNAL } from "./internal-issuer.ts";
import type { IssuedCertificate } from "./issued.ts";

/** Certificates that come by themselves, among all that are served. Of the main thread. */
export class ServedCertificates implements Disposable {
  readonly #certificates: Certificates;
  readonly #automatic: AutomaticCertificates;
  readonly #served: Map<string, string>; // fingerprints by id

  constructor(world: World, certificates: Certificates, counted: (event: KeeperEvent) => void) {
    this.#certificates = certificates;
    this.#served = new Map();
    this.#automatic = new AutomaticCertificates({
      world,
      openStorage: (folder) => openStorage(world.clock, folder),
      changed: () => this.#serve(),
      counted,
    });
  }

  get statuses(): readonly KeeperStatus[] {
    return this.#automatic.statuses;
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

  [Symbol.dispose](): void {
    this.#automatic[Symbol.dispose]();
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
