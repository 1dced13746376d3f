import { isIP } from "node:net";
import type { Log, ServiceRecord } from "../../base/world.ts";
import type { Directory, DirectoryEntry } from "../../core/directory.ts";
import type { DnsSettings } from "./dns-settings.ts";
import { AddressWatch, NameWatch, type NameWorld } from "./name-watch.ts";

/** Records of one name that are used; a name with more is an attack or a mistake. */
export const RECORDS_MAX = 1_000;
const FIRST_ANSWERS_MS = 2_000; // so long a start or a reload waits for names that are new to it

/** The names that a config has. */
export interface NamesWanted {
  readonly hosts: ReadonlySet<string>;
  readonly services: ReadonlySet<string>;
}

/**
 * Keeps the directory true to DNS: follows each name that endpoints have, once per machine, and says
 * so when something is other than before. Nobody else asks for names.
 */
export class Discovery implements Disposable {
  readonly #world: NameWorld & { readonly log: Log };
  readonly #directory: Directory;
  readonly #hosts: Map<string, AddressWatch>;
  readonly #services: Map<string, NameWatch<ServiceRecord>>;
  readonly #waiting: Set<() => void>; // for first answers
  #settings: DnsSettings;
  #wanted: NamesWanted;

  constructor(world: NameWorld & { readonly log: Log }, directory: Directory, dns: DnsSettings) {
    this.#world = world;
    this.#directory = directory;
    this.#hosts = new Map();
    this.#services = new Map();
    this.#waiting = new Set();
    this.#settings = dns;
    this.#wanted = { hosts: new Set(), services: new Set() };
  }

  /**
   * Begins with the names that are new, and waits for the first answer to each, though not for long:
   * what is used from now on should be usable, and what does not resolve must not stand in its way.
   */
  async prepare(wanted: NamesWanted): Promise<void> {
    const { hosts, services } = this.#wanted;
    this.#follow({
      hosts: new Set([...hosts, ...wanted.hosts]),
      services: new Set([...services, ...wanted.services]),
    });
    if (this.#areAnswered()) return;
    await new Promise<void>((resolve) => {
      const timer = this.#world.clock.after(FIRST_ANSWERS_MS, () => done());
      const look = () => {
        if (this.#areAnswered()) done();
      };
      const done = () => {
        timer.cancel();
        this.#waiting.delete(look);
        resolve();
      };
      this.#waiting.add(look);
    });
  }

  /** These names from now on, and no others. */
  take(wanted: NamesWanted, dns: DnsSettings): void {
    this.#settings = dns;
    for (const watch of [...this.#hosts.values(), ...this.#services.values()]) {
      watch.settings = dns;
    }
    this.#follow(wanted);
  }

  [Symbol.dispose](): void {
    for (const watch of [...this.#hosts.values(), ...this.#services.values()]) {
      watch[Symbol.dispose]();
    }
    this.#hosts.clear();
    this.#services.clear();
  }

  #areAnswered(): boolean {
    const watches = [...this.#hosts.values(), ...this.#services.values()];
    return watches.every(({ isAnswered }) => isAnswered);
  }

  #follow(wanted: NamesWanted): void {
    this.#wanted = wanted;
    for (const name of wanted.services) {
      if (!this.#services.has(name)) this.#services.set(name, this.#serviceWatch(name));
    }
    for (const [name, watch] of this.#services) {
      if (!wanted.services.has(name)) this.#forget("service", name, this.#services, watch);
    }
    this.#followHosts();
  }

  /** Those of the config, and those that services lead to. */
  #followHosts(): void {
    const targets = [...this.#services.values()]
      .flatMap(({ known }) => known.records.map(({ host }) => host))
      .filter((host) => isIP(host) === 0);
    const hosts = new Set([...this.#wanted.hosts, ...targets]);
    for (const name of hosts) {
      if (!this.#hosts.has(name)) this.#hosts.set(name, this.#hostWatch(name));
    }
    for (const [name, watch] of this.#hosts) {
      if (!hosts.has(name)) this.#forget("name", name, this.#hosts, watch);
    }
  }

  #forget<Watch extends Disposable>(
    kind: DirectoryEntry["kind"],
    name: string,
    watches: Map<string, Watch>,
    watch: Watch,
  ): void {
    watch[Symbol.dispose]();
    watches.delete(name);
    this.#directory.delete(kind, name);
  }

  #hostWatch(name: string): AddressWatch {
    const watch: AddressWatch = new AddressWatch(
      this.#world,
      () => this.#settings,
      name,
      () => {
        const { records, why } = watch.known;
        this.#tell({ kind: "name", name, hosts: records.slice(0, RECORDS_MAX), why });
      },
    );
    return watch;
  }

  #serviceWatch(name: string): NameWatch<ServiceRecord> {
    const ask = () => this.#world.names.services(name, this.#settings);
    const watch: NameWatch<ServiceRecord> = new NameWatch(this.#world, this.#settings, ask, () => {
      const { records, why } = watch.known;
      this.#followHosts(); // before it is told, so that who is new is already asked for
      const sorted = records.toSorted(inOrder).slice(0, RECORDS_MAX);
      this.#tell({ kind: "service", name, records: sorted, why });
    });
    return watch;
  }

  #tell(entry: NamedEntry): void {
    const before: NamedEntry | undefined = this.#directory.find(entry.kind, entry.name);
    if (JSON.stringify(before) !== JSON.stringify(entry)) {
      this.#log(entry, before);
      this.#directory.set(entry);
    }
    for (const look of this.#waiting) look();
  }

  /** A line for each change of what is found, and one where a name begins to fail. */
  #log(entry: NamedEntry, before: NamedEntry | undefined): void {
    const { log } = this.#world;
    const { kind, name, why } = entry;
    const found = foundIn(entry);
    if (found.join() !== (before === undefined ? "" : foundIn(before).join())) {
      log.info(`${kind} resolved`, { name, found });
    }
    if (why !== "" && (before?.why ?? "") === "") {
      log.warn(`cannot resolve ${kind}`, { name, why, stillUsed: found });
    }
  }
}

type NamedEntry = Extract<DirectoryEntry, { kind: "name" | "service" }>;

function foundIn(entry: NamedEntry): readonly string[] {
  if (entry.kind === "name") return entry.hosts;
  return entry.records.map(({ host, port }) => `${host}:${port}`);
}

function inOrder(left: ServiceRecord, right: ServiceRecord): number {
  return (
    left.priority - right.priority ||
    left.host.localeCompare(right.host, "en") ||
    left.port - right.port
  );
}
