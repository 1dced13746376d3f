import type { Asking, Clock, Log, NameAnswer, Names } from "../../base/world.ts";
import type { Identifier } from "../../protocol/acme/identifier.ts";
import { recordValue } from "../../protocol/acme/jws.ts";
import type { TextRecord } from "../../protocol/dns/update.ts";
import { pause } from "./acme-client.ts";
import { AcmeFailure } from "./acme-failure.ts";
import type { ChallengeAnswer, Proof } from "./challenge.ts";
import type { DnsRecords } from "./dns-records.ts";
import { aliasOf, zoneOf } from "./zone.ts";

export interface DnsProofSettings {
  readonly asking: Asking; // for aliases and zones
  readonly servers: readonly string[]; // whom to look for the record at; none: those of the zone
  readonly waitMs: number; // for the record to be seen; 0: nobody looks
  readonly delayMs: number; // once it is seen, or added
}

export interface DnsProofWorld {
  readonly clock: Clock;
  readonly names: Names;
  readonly log: Log;
}

const LOOK_MS = 2_000;
const LOOK_MS_MAX = 15_000;

/** dns-01: a TXT record, and the CA is told once every server of the zone has it. */
export class DnsProofs implements ChallengeAnswer {
  readonly kind = "dns-01";
  readonly #world: DnsProofWorld;
  readonly #records: DnsRecords;
  readonly #settings: DnsProofSettings;

  constructor(world: DnsProofWorld, records: DnsRecords, settings: DnsProofSettings) {
    this.#world = world;
    this.#records = records;
    this.#settings = settings;
  }

  canProve({ type }: Identifier): boolean {
    return type === "dns";
  }

  async present({ identifier, authorization }: Proof): Promise<AsyncDisposable> {
    const { names, clock } = this.#world;
    const { asking, waitMs, delayMs } = this.#settings;
    const asked = `_acme-challenge.${identifier.value}`;
    let record: TextRecord | undefined;
    try {
      const name = await aliasOf(names, asked, asking);
      record = { name, value: recordValue(authorization) };
      await this.#records.add(record);
      if (waitMs > 0) await this.#untilSeen(record);
      if (delayMs > 0) await pause(clock, delayMs);
    } catch (error) {
      if (record !== undefined) await this.#remove(record);
      const why = error instanceof Error ? error.message : String(error);
      throw new AcmeFailure("refused", `dns-01 for ${identifier.value}: ${why}`);
    }
    const added = record;
    return { [Symbol.asyncDispose]: () => this.#remove(added) };
  }

  /** What is left behind does no harm, but somebody should know. */
  async #remove(record: TextRecord): Promise<void> {
    try {
      await this.#records.remove(record);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      this.#world.log.warn("cannot remove a DNS record", { name: record.name, why });
    }
  }

  async #untilSeen({ name, value }: TextRecord): Promise<void> {
    const { clock } = this.#world;
    const endMs = clock.nowMs() + this.#settings.waitMs;
    for (let lookMs = LOOK_MS; ; lookMs = Math.min(lookMs * 1.5, LOOK_MS_MAX)) {
      const servers = await this.#servers(name);
      const looks = await Promise.all(servers.map((server) => this.#look(server, name, value)));
      const missing = servers.filter((_, index) => looks[index] !== "seen");
      // A server that says nothing at all is the CA's to judge, as long as another one has it.
      if (looks.includes("seen") && !looks.includes("missing")) return;
      if (clock.nowMs() >= endMs) {
        const where = missing.length === 0 ? "any server of its zone" : missing.join(", ");
        throw new Error(`the record at ${name} is not seen at ${where}`);
      }
      await pause(clock, lookMs);
    }
  }

  async #look(server: string, name: string, value: string): Promise<"seen" | "missing" | "silent"> {
    const asking = { ...this.#settings.asking, servers: [server] };
    const found = await this.#world.names.texts("TXT", name, asking);
    if (found.kind === "failed") return "silent";
    return found.kind === "found" && found.records.includes(value) ? "seen" : "missing";
  }

  async #servers(name: string): Promise<readonly string[]> {
    const { servers, asking } = this.#settings;
    if (servers.length > 0) return servers;
    const zone = await zoneOf(this.#world.names, name, asking);
    if (zone === undefined) return [];
    const answers = await Promise.all(
      zone.servers.map((host) => this.#world.names.addresses(host, 4, asking)),
    );
    return answers.flatMap((answer: NameAnswer<string>) =>
      answer.kind === "found" ? answer.records.slice(0, 1) : [],
    );
  }
}
