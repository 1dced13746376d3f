import { lookup, Resolver } from "node:dns/promises";
import { readFileSync, statSync } from "node:fs";
import { isIPv4 } from "node:net";
import { type Hosts, parseHosts } from "./hosts-file.ts";
import type { Asking, NameAnswer, Names, ServiceRecord } from "./world.ts";

const HOSTS_FILE = "/etc/hosts";
const SYSTEM_TTL_MS = 30_000; // of what the hosts file and getaddrinfo say, who tell none
const SERVICE_TTL_MS = 0; // Node tells that of addresses alone: the rest is asked for as often as is allowed
const RESOLVERS_MAX = 4; // a reload may bring other servers, now and then
const SYSTEM_LOOKUPS_MAX = 2; // of Node's four threads, which files need as well

/** No such name, or none of that kind: an answer of who knows, unlike a timeout. */
const NONE = new Set(["ENOTFOUND", "ENODATA"]);

/**
 * What the machine says of names: its hosts file first, then DNS, which tells how long an answer
 * holds, and only for names that DNS does not know the system's own way, for what is short for
 * another name (search domains) or no DNS name at all (mDNS). With servers of one's own, only those.
 */
export class SystemNames implements Names {
  readonly #resolvers: Map<string, Resolver>;
  readonly #waiting: (() => void)[];
  #systemLookups: number;
  #hosts: Hosts;
  #hostsAsOf: string;

  constructor() {
    this.#resolvers = new Map();
    this.#waiting = [];
    this.#systemLookups = 0;
    this.#hosts = parseHosts("");
    this.#hostsAsOf = "";
  }

  async addresses(name: string, family: 4 | 6, asking: Asking): Promise<NameAnswer<string>> {
    const known = this.#hostsNow().get(name.toLowerCase());
    if (known !== undefined) {
      const records = known.filter((address) => isIPv4(address) === (family === 4));
      if (records.length === 0) return { kind: "none", why: "the hosts file has none" };
      return { kind: "found", records, ttlMs: SYSTEM_TTL_MS };
    }
    try {
      const resolver = this.#resolver(asking);
      const found = await (family === 4
        ? resolver.resolve4(name, { ttl: true })
        : resolver.resolve6(name, { ttl: true }));
      const ttls = found.map(({ ttl }) => ttl * 1000);
      return answered(
        found.map(({ address }) => address),
        Math.min(...ttls),
      );
    } catch (error) {
      const failed = refused(error);
      if (failed.kind === "failed" || asking.servers.length > 0) return failed;
      return await this.#bySystem(name, family);
    }
  }

  async services(name: string, asking: Asking): Promise<NameAnswer<ServiceRecord>> {
    try {
      const records = await this.#resolver(asking).resolveSrv(name);
      // RFC 2782: a target of "." says that the service is decidedly not there.
      const hosts = records.filter((record) => record.name !== "" && record.name !== ".");
      return answered(
        hosts.map((record) => ({ ...record, host: record.name.toLowerCase().replace(/\.$/, "") })),
        SERVICE_TTL_MS,
      );
    } catch (error) {
      return refused(error);
    }
  }

  async texts(
    kind: "TXT" | "CNAME" | "NS",
    name: string,
    asking: Asking,
  ): Promise<NameAnswer<string>> {
    try {
      const resolver = this.#resolver(asking);
      if (kind === "CNAME") return answered(await resolver.resolveCname(name), SERVICE_TTL_MS);
      if (kind === "NS") return answered(await resolver.resolveNs(name), SERVICE_TTL_MS);
      const records = await resolver.resolveTxt(name);
      return answered(
        records.map((pieces) => pieces.join("")),
        SERVICE_TTL_MS,
      );
    } catch (error) {
      return refused(error);
    }
  }

  /** The threads are few: a system resolver that hangs must not take them all. */
  async #bySystem(name: string, family: 4 | 6): Promise<NameAnswer<string>> {
    if (this.#systemLookups >= SYSTEM_LOOKUPS_MAX) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
    this.#systemLookups++;
    try {
      const found = await lookup(name, { family, all: true });
      return answered(
        found.map(({ address }) => address.replace(/%.*/, "")),
        SYSTEM_TTL_MS,
      );
    } catch (error) {
      return refused(error);
    } finally {
      this.#systemLookups--;
      this.#waiting.shift()?.();
    }
  }

  #resolver({ servers, timeoutMs, attempts }: Asking): Resolver {
    const key = JSON.stringify([servers, timeoutMs, attempts]);
    const known = this.#resolvers.get(key);
    if (known !== undefined) return known;
    const resolver = new Resolver({ timeout: timeoutMs, tries: attempts });
    if (servers.length > 0) resolver.setServers(servers);
    if (this.#resolvers.size >= RESOLVERS_MAX) this.#resolvers.clear();
    this.#resolvers.set(key, resolver);
    return resolver;
  }

  /** The file as it is now; one look at its times when nothing has changed. */
  #hostsNow(): Hosts {
    try {
      const { mtimeMs, ino, size } = statSync(HOSTS_FILE);
      const asOf = `${mtimeMs} ${ino} ${size}`;
      if (asOf !== this.#hostsAsOf) {
        this.#hosts = parseHosts(readFileSync(HOSTS_FILE, "utf8"));
        this.#hostsAsOf = asOf;
      }
    } catch {
      // A machine without one, or a moment in which it is replaced: what was read last holds.
    }
    return this.#hosts;
  }
}

function answered<Found>(records: readonly Found[], ttlMs: number): NameAnswer<Found> {
  return records.length === 0
    ? { kind: "none", why: "ENODATA" }
    : { kind: "found", records, ttlMs };
}

function refused(error: unknown): { readonly kind: "none" | "failed"; readonly why: string } {
  const { code = "UNKNOWN" } = error as NodeJS.ErrnoException;
  return { kind: NONE.has(code) ? "none" : "failed", why: code };
}
