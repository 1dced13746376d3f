import type { Address, Clock, World } from "../base/world.ts";
import { isHostName } from "../config/address.ts";
import { certificateNeeds } from "../config/automatic-names.ts";
import type { Config } from "../config/config.ts";
import type { Certificates } from "../core/certificates.ts";
import type { Directory } from "../core/directory.ts";
import type { Runtime } from "../core/runtime.ts";
import { ServedCertificates } from "../tls/acme/served-certificates.ts";
import { type CertificateFiles, certificateFilesId } from "../tls/certificate-files.ts";
import { type CertificateReport, reportOn } from "../tls/certificate-report.ts";
import { FileCertificates } from "../tls/file-certificates.ts";
import { Staples } from "../tls/ocsp/staples.ts";
import { type TicketHeritage, TicketSecrets } from "../tls/ticket-secrets.ts";
import { NamedNetwork } from "../transport/named-network.ts";
import { Discovery, type NamesWanted } from "../upstream/discovery/discovery.ts";
import type { DnsSettings } from "../upstream/discovery/dns-settings.ts";
import { HealthChecks } from "../upstream/health/health-checks.ts";
import { MaintenanceSwitches } from "./maintenance-switches.ts";
import { OperatorEdits } from "./operator-edits.ts";

export interface FirstConfig {
  readonly dns: DnsSettings;
  readonly runtime: () => Runtime | undefined;
  readonly certificates: Certificates;
  readonly tickets: TicketHeritage | undefined; // of the process before this one
}

/**
 * What runs once per machine and not once per worker: it belongs to the main thread, follows the
 * config that is in force, and writes what it finds into the state that all workers share.
 */
export class MachineTasks implements Disposable {
  readonly #directory: Directory;
  readonly #discovery: Discovery;
  readonly #checks: HealthChecks;
  readonly #clock: Clock;
  readonly #certificates: Certificates;
  readonly #heritage: TicketHeritage | undefined;
  #tickets: TicketSecrets | undefined; // from the first config with TLS on
  readonly #certificateFiles: FileCertificates;
  readonly automatic: ServedCertificates; // that come by themselves
  readonly staples: Staples;
  readonly #watching: Disposable;
  readonly edits: OperatorEdits;
  readonly maintenance: MaintenanceSwitches;
  readonly #runtime: () => Runtime | undefined; // in force
  #config: Config | undefined;

  constructor(world: World, directory: Directory, first: FirstConfig) {
    this.#directory = directory;
    this.#discovery = new Discovery(world, directory, first.dns);
    this.#checks = new HealthChecks({ ...world, network: new NamedNetwork(world, directory) });
    this.#clock = world.clock;
    this.#certificates = first.certificates;
    this.#heritage = first.tickets;
    this.#tickets = undefined;
    this.#certificateFiles = new FileCertificates(world, first.certificates);
    this.automatic = new ServedCertificates(world, first.certificates);
    this.staples = new Staples(world, first.certificates, (id) => this.automatic.replace(id));
    this.#runtime = first.runtime;
    this.edits = new OperatorEdits(directory, () => this.#prepareEdits());
    this.maintenance = new MaintenanceSwitches(directory);
    this.#config = undefined;
    this.#watching = directory.watch(() => this.#follow());
  }

  /** Before a config is compiled: what takes a moment to find out is found out now, if it can be. */
  async prepare(config: Config): Promise<void> {
    if (config.sites.some(({ tls }) => tls !== undefined)) {
      this.#tickets ??= new TicketSecrets(
        { clock: this.#clock },
        this.#certificates,
        this.#heritage,
      );
    }
    const isFirst = this.#config === undefined;
    if (isFirst) this.staples.take(config.isStapling);
    this.#certificateFiles.prepare(filesIn(config));
    // A reload has them already, but for those that are new, which are looked for after the swap.
    if (isFirst) {
      await this.automatic.prepare(certificateNeeds(config));
      await this.staples.first();
    }
    await this.#discovery.prepare(this.#namesIn(config));
  }

  /** After each swap: begins what is new, ends what is gone, leaves alone what did not change. */
  take(config: Config): void {
    this.#config = config;
    this.#certificateFiles.take(filesIn(config));
    void this.automatic.take(certificateNeeds(config));
    this.staples.take(config.isStapling);
    this.edits.reconcile(config);
    this.maintenance.reconcile(config);
    this.#discovery.take(this.#namesIn(config), config.dns);
    this.#follow();
    this.#checks.take(
      [...config.upstreams.values()].flatMap(({ name, active }) => {
        const upstream = this.#runtime()?.upstreams.get(name);
        return active === undefined || upstream === undefined
          ? []
          : [{ upstream, options: active }];
      }),
    );
  }

  [Symbol.dispose](): void {
    this.staples[Symbol.dispose]();
    this.automatic[Symbol.dispose]();
    this.#checks[Symbol.dispose]();
    this.#watching[Symbol.dispose]();
    this.#discovery[Symbol.dispose]();
    this.#certificateFiles[Symbol.dispose]();
    this.#tickets?.[Symbol.dispose]();
  }

  /** What a name is by now, for people; nothing of what is no name. */
  resolvedTo({ host }: Address): { readonly addresses?: readonly string[]; readonly why?: string } {
    const found = this.#directory.find("name", host);
    if (found === undefined) return {};
    return { addresses: found.hosts, ...(found.why === "" ? {} : { why: found.why }) };
  }

  /** For a process that takes over; undefined: there is no TLS. */
  get tickets(): TicketHeritage | undefined {
    return this.#tickets?.heritage;
  }

  /** All that are served now, for people. */
  get certificates(): readonly CertificateReport[] {
    const { problems } = this.#certificateFiles;
    const wallMs = this.#clock.wallMs();
    return this.#certificates.entries.map((entry) => {
      const { id } = entry;
      const staple = this.staples.statusOf(id);
      return reportOn({
        ...{ entry, staple, wallMs },
        hosts: this.#hostsOf(id),
        problem: problems.get(id),
      });
    });
  }

  #hostsOf(id: string): readonly string[] {
    const sites = this.#config?.sites ?? [];
    return sites
      .filter(({ tls }) => tls?.certificates.some((files) => certificateFilesId(files) === id))
      .flatMap(({ hosts }) => hosts);
  }

  async #prepareEdits(): Promise<void> {
    if (this.#config !== undefined) await this.prepare(this.#config);
  }

  /** The upstreams take up who is there now, and an endpoint without an address is not asked. */
  #follow(): void {
    for (const upstream of this.#runtime()?.upstreams.values() ?? []) {
      for (const { address, state } of upstream.endpoints) {
        if (!isHostName(address)) continue;
        const hosts = this.#directory.find("name", address.host)?.hosts;
        state.isUnresolved = hosts !== undefined && hosts.length === 0;
      }
    }
  }

  #namesIn(config: Config): NamesWanted {
    const endpoints = [...config.upstreams.values()].flatMap((upstream) => upstream.endpoints);
    const plain = endpoints.filter(({ discover }) => discover !== "srv");
    const services = endpoints.filter(({ discover }) => discover === "srv");
    const state = config.state === "memory" ? [] : [config.state];
    const addresses = [...plain, ...this.edits.added, ...state].map(({ address }) => address);
    return {
      hosts: new Set(addresses.filter(isHostName).map(({ host }) => host)),
      services: new Set(services.map(({ address }) => address.host)),
    };
  }
}

function filesIn({ sites }: Config): readonly CertificateFiles[] {
  return sites.flatMap(({ tls }) => tls?.certificates ?? []);
}
