/** Certificates kept in simulated time, with a CA in memory. */

import { AcmeIssuer } from "../../src/tls/acme/acme-issuer.ts";
import type { Authority } from "../../src/tls/acme/authority.ts";
import { CertificateKeeper, type KeeperEvent } from "../../src/tls/acme/certificate-keeper.ts";
import type { CertificateStorage } from "../../src/tls/acme/certificate-storage.ts";
import type { ChallengeAnswer } from "../../src/tls/acme/challenge.ts";
import { HttpProofs } from "../../src/tls/acme/proofs.ts";
import { Slots } from "../../src/tls/acme/slots.ts";
import { MemoryStorage } from "./memory-storage.ts";
import { SimCa } from "./sim-ca.ts";
import { SimWorld } from "./sim-world.ts";

export const MINUTE_MS = 60_000;
export const HOUR_MS = 3_600_000;
export const DAY_MS = 86_400_000;

interface KeeperOptions {
  readonly names?: readonly string[];
  readonly cas?: readonly SimCa[];
  readonly storage?: CertificateStorage;
  readonly answers?: readonly ChallengeAnswer[];
  readonly more?: Partial<Authority>;
}

export class SimAcme {
  readonly world: SimWorld;
  readonly ca: SimCa;
  readonly storage: MemoryStorage;
  readonly events: KeeperEvent[] = [];
  readonly #keepers: CertificateKeeper[] = [];

  constructor(seed = 1) {
    this.world = new SimWorld(seed);
    this.ca = this.addCa("ca.test");
    this.storage = new MemoryStorage(this.world.clock);
  }

  addCa(host: string): SimCa {
    const ca = new SimCa(this.world.clock, this.world.random, host);
    this.world.web.servers.set(host, ca.answer);
    return ca;
  }

  /** Not started; another instance where it is called twice. */
  keeper(options: KeeperOptions = {}): CertificateKeeper {
    const { names = ["a.test"], cas = [this.ca], storage = this.storage } = options;
    const keeper = new CertificateKeeper(
      {
        world: this.world,
        storage,
        issuers: cas.map(
          (ca) => new AcmeIssuer(this.world, storage, authorityOf(ca, options.more)),
        ),
        answers: options.answers ?? [new HttpProofs(storage)],
        slots: new Slots(8),
        changed: (event) => this.events.push(event),
      },
      { place: names[0]!.replace("*", "_"), names, keyType: "p256" },
    );
    this.#keepers.push(keeper);
    return keeper;
  }

  started(options: KeeperOptions = {}): CertificateKeeper {
    const keeper = this.keeper(options);
    keeper.start();
    return keeper;
  }

  pass(ms: number): Promise<void> {
    return this.world.clock.advance(ms);
  }

  /** When orders were made, in hours from the start. */
  orderHours(ca: SimCa = this.ca): number[] {
    const startMs = Date.UTC(2030, 0, 1);
    return ca.orders.map(({ atMs }) => Math.round((atMs - startMs) / 36_000) / 100);
  }
}

export function authorityOf(ca: SimCa, more: Partial<Authority> = {}): Authority {
  return {
    name: ca.host,
    directory: ca.directory,
    roots: undefined,
    email: "ops@a.test",
    external: undefined,
    profile: undefined,
    ...more,
  };
}
