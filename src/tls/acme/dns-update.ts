import { randomInt } from "node:crypto";
import type { Address, Asking, Clock, Names, Network } from "../../base/world.ts";
import {
  readOutcome,
  signUpdate,
  type TextRecord,
  type TsigKey,
  writeUpdate,
} from "../../protocol/dns/update.ts";
import type { DnsRecords } from "./dns-records.ts";
import { zoneOf } from "./zone.ts";

export interface UpdateSettings {
  readonly server: Address; // by its address
  readonly zone: string | undefined; // else found by its name servers
  readonly key: TsigKey | undefined;
  readonly ttlSeconds: number;
}

export interface UpdateWorld {
  readonly clock: Clock;
  readonly network: Network;
  readonly names: Names;
}

const ANSWER_MS = 15_000;
const ANSWER_BYTES_MAX = 65_535;

/**
 * Records by DNS UPDATE over TCP, one connection for each. What the server says of its doing is
 * not authenticated; nothing follows from it, since the record is looked for before the CA is told.
 */
export class UpdateRecords implements DnsRecords {
  readonly #world: UpdateWorld;
  readonly #settings: UpdateSettings;
  readonly #asking: Asking;

  constructor(world: UpdateWorld, settings: UpdateSettings, asking: Asking) {
    this.#world = world;
    this.#settings = settings;
    this.#asking = asking;
  }

  add(record: TextRecord): Promise<void> {
    return this.#change("add", record);
  }

  remove(record: TextRecord): Promise<void> {
    return this.#change("remove", record);
  }

  async #change(kind: "add" | "remove", record: TextRecord): Promise<void> {
    const { key, ttlSeconds, server } = this.#settings;
    const found = this.#settings.zone ?? (await this.#zoneOf(record.name));
    const id = randomInt(0x10000);
    const plain = writeUpdate(id, { kind, zone: found, ttlSeconds, ...record });
    const wallMs = this.#world.clock.wallMs();
    const message = key === undefined ? plain : signUpdate(plain, key, wallMs);
    const outcome = readOutcome(await this.#exchange(message), id);
    if (outcome === "NOERROR") return;
    const where = `${server.host}:${server.port}`;
    throw new Error(`${where} answers ${outcome ?? "what is no answer"} for ${record.name}`);
  }

  async #zoneOf(name: string): Promise<string> {
    const zone = await zoneOf(this.#world.names, name, this.#asking);
    if (zone === undefined) throw new Error(`cannot find the zone of ${name}: set dns.update.zone`);
    return zone.name;
  }

  /** One message there and one back, each behind its length (RFC 1035 §4.2.2). */
  #exchange(message: Buffer): Promise<Uint8Array> {
    const { clock, network } = this.#world;
    const { server } = this.#settings;
    return new Promise((resolve, reject) => {
      const into = Buffer.alloc(2 + ANSWER_BYTES_MAX);
      let got = 0;
      const wire = network.connect(server, {
        buffer: () => into.subarray(got),
        read: (count) => {
          got += count;
          if (got < 2 || got < 2 + into.readUInt16BE(0)) return;
          end();
          resolve(into.subarray(2, 2 + into.readUInt16BE(0)));
        },
      });
      const fail = (why: string) => {
        end();
        reject(new Error(`${server.host}:${server.port}: ${why}`));
      };
      const timer = clock.after(ANSWER_MS, () => fail(`no answer within ${ANSWER_MS / 1000} s`));
      const end = () => {
        timer.cancel();
        wire.destroy();
      };
      wire.on("connect", () => {
        const length = Buffer.alloc(2);
        length.writeUInt16BE(message.length);
        wire.write(Buffer.concat([length, message]));
      });
      wire.on("error", ({ message: why }) => fail(why));
      wire.on("end", () => fail("closed without an answer"));
      wire.on("close", () => fail("closed without an answer"));
    });
  }
}
