import type { Timer, World } from "../../base/world.ts";
import { AcmeIssuer } from "./acme-issuer.ts";
import type { AcmeSettings, DnsChallengeSettings } from "./acme-settings.ts";
import { AskedIssuer } from "./asked-issuer.ts";
import { CertificateKeeper, type KeeperEvent, type KeeperStatus } from "./certificate-keeper.ts";
import { certificatesFor } from "./certificate-plan.ts";
import { type CertificateStorage, keyPartOf } from "./certificate-storage.ts";
import type { ChallengeAnswer } from "./challenge.ts";
import { CommandRecords } from "./dns-command.ts";
import { FunctionRecords } from "./dns-function.ts";
import { DnsProofs } from "./dns-proofs.ts";
import type { DnsRecords } from "./dns-records.ts";
import { UpdateRecords } from "./dns-update.ts";
import { InternalIssuer, selfSigned } from "./internal-issuer.ts";
import type { IssuedCertificate } from "./issued.ts";
import type { Issuer } from "./issuer.ts";
import { OnDemand } from "./on-demand.ts";
import { HttpProofs, TlsProofs } from "./proofs.ts";
import { Slots } from "./slots.ts";

/** What a config wants. */
export interface CertificateNeeds {
  readonly acme: AcmeSettings;
  readonly automatic: readonly string[]; // names for CAs that others trust
  readonly internal: readonly string[]; // names for the CA of our own
}

export interface AutomaticOptions {
  readonly world: World;
  readonly openStorage: (folder: string | undefined) => CertificateStorage;
  /** The certificates are others than before. */
  readonly changed: () => void;
  readonly counted: (event: KeeperEvent) => void;
}

const ORDERS_MAX = 8; // at once
const FIRST_LOOK_MS = 3_000; // so long a start waits for the storage
const DEMAND_MS = 30_000; // so long a handshake may wait for its certificate
const DEMANDS_MAX = 256; // that wait
const DNS_ASKING_MS = 3_000;
const DNS_ATTEMPTS = 2;

interface Equipment {
  readonly key: string; // equal settings, equal equipment
  readonly storage: CertificateStorage;
  readonly answers: readonly ChallengeAnswer[];
  readonly issuers: readonly Issuer[];
  readonly internal: Issuer;
  readonly onDemand: OnDemand | undefined;
  readonly namesMax: number; // on demand
}

/**
 * All certificates that come by themselves: once per machine, in the main thread. Follows the
 * config that is in force; what did not change goes on, and what is served is served until its
 * successor is there.
 */
export class AutomaticCertificates implements Disposable {
  readonly #options: AutomaticOptions;
  readonly #keepers: Map<string, CertificateKeeper>;
  readonly #demanded: Map<string, CertificateKeeper>; // by name; not in any config
  readonly #meanwhile: Map<string, IssuedCertificate>; // self-signed
  readonly #waiting: Set<() => void>;
  readonly #slots: Slots;
  #settings: AcmeSettings | undefined; // in force
  #equipment: Equipment | undefined;
  #isMeanwhile: boolean;

  constructor(options: AutomaticOptions) {
    this.#options = options;
    this.#keepers = new Map();
    this.#demanded = new Map();
    this.#meanwhile = new Map();
    this.#waiting = new Set();
    this.#slots = new Slots(ORDERS_MAX);
    this.#settings = undefined;
    this.#equipment = undefined;
    this.#isMeanwhile = false;
  }

  /** What is to be served, in no order. */
  get certificates(): readonly IssuedCertificate[] {
    const all = [...this.#keepers.values(), ...this.#demanded.values()];
    const held = all.flatMap(({ held: certificate }) => (certificate ? [certificate] : []));
    if (!this.#isMeanwhile) return held;
    const missing = [...this.#keepers.values()].filter((keeper) => keeper.held === undefined);
    return [...held, ...missing.map(({ wanted }) => this.#selfSigned(wanted.names[0]!))];
  }

  get statuses(): readonly KeeperStatus[] {
    return [...this.#keepers.values(), ...this.#demanded.values()].map(({ status }) => status);
  }

  /** Begins with what is new, and waits a moment for what the storage has of it. */
  async take(needs: CertificateNeeds | undefined): Promise<void> {
    const equipment = needs && this.#equip(needs.acme);
    const isOther = equipment?.key !== this.#equipment?.key;
    this.#equipment = equipment;
    this.#isMeanwhile = needs?.acme.isSelfSignedMeanwhile ?? false;
    const wanted = needs === undefined ? new Map<string, Wanted>() : wantedOf(needs);
    const begun: CertificateKeeper[] = [];
    for (const [place, keeper] of this.#keepers) {
      if (!isOther && wanted.has(place)) continue;
      keeper[Symbol.dispose]();
      if (!wanted.has(place)) this.#keepers.delete(place);
    }
    if (isOther) this.#forgetDemanded();
    for (const [place, { name, isInternal }] of wanted) {
      const before = this.#keepers.get(place);
      if (!isOther && before !== undefined) continue;
      const issuers = isInternal ? [equipment!.internal] : equipment!.issuers;
      const keeper = this.#keeper(equipment!, { place, name, issuers }, before?.held);
      this.#keepers.set(place, keeper);
      begun.push(keeper);
    }
    await this.#loaded(begun.map((keeper) => keeper.load()));
    this.#changed();
  }

  /** Orders may be made from now on: a CA that looks finds us listening. */
  begin(): void {
    for (const keeper of this.#keepers.values()) keeper.start();
  }

  /**
   * For a name that a client came with and that no config names. Undefined where it is not to have
   * one, or does not get it in time.
   */
  async demand(name: string): Promise<IssuedCertificate | undefined> {
    const equipment = this.#equipment;
    if (equipment?.onDemand === undefined) return undefined;
    const known = this.#demanded.get(name);
    if (known !== undefined) return known.held ?? (await this.#soon(known));
    if (!(await equipment.onDemand.allows(name, this.#demanded.size))) return undefined;
    if (this.#equipment !== equipment) return undefined;
    const begun = this.#demanded.get(name) ?? this.#beginDemanded(equipment, name);
    const found = begun && (await this.#soon(begun));
    // Its place is for names that can be had; who comes with it again asks again.
    if (found === undefined && begun?.status.state === "failing") this.#forget(name, begun);
    return found;
  }

  /** Another one in the place of what is held and is of no use any more. */
  replace(isWanted: (certificate: IssuedCertificate) => boolean): void {
    for (const keeper of [...this.#keepers.values(), ...this.#demanded.values()]) {
      if (keeper.held !== undefined && isWanted(keeper.held)) keeper.replace();
    }
  }

  [Symbol.dispose](): void {
    for (const keeper of this.#keepers.values()) keeper[Symbol.dispose]();
    this.#keepers.clear();
    this.#forgetDemanded();
  }

  /** Others may have come while the endpoint was asked. */
  #beginDemanded(equipment: Equipment, name: string): CertificateKeeper | undefined {
    const { onDemand, namesMax } = equipment;
    if (this.#demanded.size >= namesMax) return undefined;
    const unwanted = () => {
      this.#forget(name, keeper);
      this.#changed();
    };
    const issuers = equipment.issuers.map((each) => new AskedIssuer(each, onDemand!, unwanted));
    const keeper: CertificateKeeper = this.#keeper(
      equipment,
      { place: keyPartOf(name), name, issuers },
      undefined,
    );
    this.#demanded.set(name, keeper);
    keeper.start();
    return keeper;
  }

  #forget(name: string, keeper: CertificateKeeper): void {
    keeper[Symbol.dispose]();
    if (this.#demanded.get(name) === keeper) this.#demanded.delete(name);
  }

  #forgetDemanded(): void {
    for (const keeper of this.#demanded.values()) keeper[Symbol.dispose]();
    this.#demanded.clear();
    this.#changed();
  }

  #keeper(
    { storage, answers }: Equipment,
    { place, name, issuers }: Placed,
    held: IssuedCertificate | undefined,
  ): CertificateKeeper {
    const { world, counted } = this.#options;
    const changed = (event: KeeperEvent) => {
      counted(event);
      this.#changed();
    };
    const parts = { world, storage, issuers, answers, slots: this.#slots, changed };
    const { keyType, mustStaple } = this.#settings!;
    return new CertificateKeeper(parts, { place, names: [name], keyType, mustStaple }, held);
  }

  /** Anew only if the settings are others: an issuer knows how long it is to be left alone. */
  #equip(acme: AcmeSettings): Equipment {
    const key = keyOf(acme);
    this.#settings = acme;
    if (this.#equipment?.key === key) return this.#equipment;
    const { world, openStorage } = this.#options;
    const storage = openStorage(acme.storage);
    return {
      key,
      storage,
      answers: acme.challenges.flatMap((kind): ChallengeAnswer[] => {
        if (kind === "http-01") return [new HttpProofs(storage)];
        if (kind === "tls-alpn-01") return [new TlsProofs(storage, world.clock)];
        return acme.dns === undefined ? [] : [dnsProofs(world, acme.dns)];
      }),
      issuers: acme.authorities.map((authority) => new AcmeIssuer(world, storage, authority)),
      internal: new InternalIssuer(world.clock, storage),
      onDemand: acme.onDemand && new OnDemand(world, acme.onDemand),
      namesMax: acme.onDemand?.namesMax ?? 0,
    };
  }

  #selfSigned(name: string): IssuedCertificate {
    const known = this.#meanwhile.get(name);
    if (known !== undefined) return known;
    const made = selfSigned(name, this.#options.world.clock.wallMs());
    this.#meanwhile.set(name, made);
    return made;
  }

  #changed(): void {
    for (const [name] of this.#meanwhile) {
      if (this.#isHeld(name)) this.#meanwhile.delete(name);
    }
    for (const look of this.#waiting) look();
    this.#options.changed();
  }

  #isHeld(name: string): boolean {
    return [...this.#keepers.values()].some(
      ({ held, wanted }) => held !== undefined && wanted.names.includes(name),
    );
  }

  async #loaded(loads: readonly Promise<void>[]): Promise<void> {
    let timer: Timer | undefined;
    const late = new Promise<void>((resolve) => {
      timer = this.#options.world.clock.after(FIRST_LOOK_MS, resolve);
    });
    await Promise.race([Promise.all(loads), late]);
    timer?.cancel();
  }

  /** The certificate, once it is there; a client does not wait for ever. */
  #soon(keeper: CertificateKeeper): Promise<IssuedCertificate | undefined> {
    if (keeper.held !== undefined) return Promise.resolve(keeper.held);
    if (this.#waiting.size >= DEMANDS_MAX) return Promise.resolve(undefined);
    return new Promise((resolve) => {
      const done = () => {
        timer.cancel();
        this.#waiting.delete(look);
        resolve(keeper.held);
      };
      const look = () => {
        if (keeper.held !== undefined) done();
      };
      const timer = this.#options.world.clock.after(DEMAND_MS, done);
      this.#waiting.add(look);
    });
  }
}

interface Wanted {
  readonly name: string;
  readonly isInternal: boolean;
}

interface Placed {
  readonly place: string;
  readonly name: string;
  readonly issuers: readonly Issuer[];
}

/** By their places in the storage. */
function wantedOf({ acme, automatic, internal }: CertificateNeeds): Map<string, Wanted> {
  const wanted = new Map<string, Wanted>();
  for (const name of certificatesFor(automatic, acme.challenges)) {
    wanted.set(keyPartOf(name), { name, isInternal: false });
  }
  // No host begins with an underscore, and a wildcard is one and a dot.
  for (const name of certificatesFor(internal, ["dns-01"])) {
    wanted.set(`_internal.${keyPartOf(name)}`, { name, isInternal: true });
  }
  return wanted;
}

function dnsProofs(world: World, { way, resolvers, waitMs, delayMs }: DnsChallengeSettings) {
  const asking = { servers: resolvers, timeoutMs: DNS_ASKING_MS, attempts: DNS_ATTEMPTS };
  const records = (): DnsRecords => {
    if (way.kind === "command") return new CommandRecords(way.command);
    if (way.kind === "function") return new FunctionRecords(world.clock, way.change);
    return new UpdateRecords(world, way, asking);
  };
  return new DnsProofs(world, records(), { asking, servers: resolvers, waitMs, delayMs });
}

function keyOf(acme: AcmeSettings): string {
  return JSON.stringify(acme, (_name, value: unknown) =>
    typeof value === "function" ? String(value) : value,
  );
}
