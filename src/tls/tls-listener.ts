import { isIP } from "node:net";
import type { CertificateEntry, Certificates } from "../core/certificates.ts";
import type { TlsPlan, TlsTerms } from "../core/tls.ts";
import type { ClientHello } from "../protocol/client-hello/client-hello.ts";
import { automaticId } from "./acme/automatic-id.ts";
import type { ShownProofs } from "./acme/proofs.ts";
import { chooseCertificate } from "./certificate-choice.ts";
import type { ClientTrust } from "./client-trust.ts";
import type { HandshakeGuard, HandshakeLimits } from "./handshake-guard.ts";
import type { TlsContexts } from "./tls-contexts.ts";
import { TLS_PROFILE, type TlsProfile } from "./tls-profile.ts";

/** How one site is served over TLS. */
export interface TlsSite {
  readonly name: string;
  readonly hosts: readonly string[]; // lower case: "a.test" "*.a.test" "*" "[::1]"
  readonly certificateIds: readonly string[];
  readonly automatic: "auto" | "internal" | undefined; // its certificates come by themselves
  readonly profile: TlsProfile;
  readonly clientAuth?: SiteTrust | undefined;
}

/** Whose certificates clients have to have. */
export interface SiteTrust {
  readonly mode: "required" | "optional";
  readonly policy: string;
  readonly trust: ClientTrust;
}

export interface TlsListenerParts {
  readonly key: string; // of the listener
  readonly alpn: readonly string[];
  readonly sites: readonly TlsSite[];
  readonly certificates: Certificates;
  readonly contexts: TlsContexts;
  readonly proofs: ShownProofs | undefined; // undefined: no site proves its name
  readonly isOnDemand: boolean; // names that no site has may get a certificate
  readonly guard: HandshakeGuard;
  readonly handshakes: HandshakeLimits;
}

const ACME_TLS = "acme-tls/1"; // RFC 8737 §6.2

/**
 * The sites of one port by the names that clients ask for: exact, then the longest wildcard, then the
 * site of every host. Who names nobody gets the site of the address that it came to, or the only one
 * there is. Nobody else gets anything: a certificate of some other site would tell who else is here.
 */
export class TlsListener implements TlsPlan {
  readonly #parts: TlsListenerParts;
  readonly #exact: Map<string, TlsSite>;
  readonly #wildcards: Map<string, TlsSite>; // by suffix, ".example.com"
  readonly #any: TlsSite | undefined;

  constructor(parts: TlsListenerParts) {
    this.#parts = parts;
    this.#exact = new Map();
    this.#wildcards = new Map();
    for (const site of parts.sites) {
      for (const host of site.hosts) {
        if (host.startsWith("*.")) this.#wildcards.set(host.slice(1), site);
        else this.#exact.set(host.replace(/^\[(.*)\]$/, "$1"), site);
      }
    }
    this.#any = this.#exact.get("*");
  }

  admits(address: string): boolean {
    const { guard, handshakes } = this.#parts;
    return guard.admits(address, handshakes);
  }

  find(hello: ClientHello, localAddress: string): TlsTerms | undefined {
    const { serverName } = hello;
    const site = serverName === "" ? this.#byAddress(localAddress) : this.#byName(serverName);
    const entry = site && this.#certificateOf(site, hello, localAddress);
    if (site === undefined || entry === undefined) return undefined;
    return this.#terms(site, entry, hello);
  }

  later(hello: ClientHello): Promise<TlsTerms | undefined> | undefined {
    const { serverName, alpn } = hello;
    if (alpn.length === 1 && alpn[0] === ACME_TLS) return this.#proof(serverName);
    if (!this.#parts.isOnDemand || serverName === "") return undefined;
    const site = this.#byName(serverName);
    if (site?.automatic !== "auto" || site.hosts.includes(serverName)) return undefined;
    if (this.#certificateOf(site, hello, "") !== undefined) return undefined;
    return this.#demanded(site, hello);
  }

  async #demanded(site: TlsSite, hello: ClientHello): Promise<TlsTerms | undefined> {
    const { certificates } = this.#parts;
    const id = await certificates.demand?.(hello.serverName);
    const entry = id === undefined ? undefined : certificates.find(id);
    return entry && this.#terms(site, entry, hello);
  }

  /** A CA looks for what was put there for it, and whoever else asks so gets nothing. */
  async #proof(serverName: string): Promise<TlsTerms | undefined> {
    const found = await this.#parts.proofs?.tlsCertificate(serverName);
    if (found === undefined) return undefined;
    const entry = { id: "proof", names: [serverName], cert: found.chain, key: found.key };
    const scope = { key: ACME_TLS, profile: TLS_PROFILE };
    const { ticketSecrets: secrets } = this.#parts.certificates;
    const context = this.#parts.contexts.find(entry, scope, { ticketName: "", secrets });
    return { server: { context, alpn: [ACME_TLS] }, policy: ACME_TLS, isForShow: true };
  }

  #terms(site: TlsSite, entry: CertificateEntry, hello: ClientHello): TlsTerms {
    const { key, alpn, contexts, certificates } = this.#parts;
    const { name, profile, clientAuth } = site;
    const policy = clientAuth?.policy ?? "";
    const trust = clientAuth?.trust.current();
    const scope = { key: `${key} ${name} ${profile} ${policy}`, profile, trust };
    const { ticketSecrets: secrets } = certificates;
    const context = contexts.find(entry, scope, { ticketName: hello.ticketName, secrets });
    const staple = certificates.stapleOf(entry.id);
    return { server: { context, alpn, staple, asks: clientAuth?.mode }, policy };
  }

  #byAddress(localAddress: string): TlsSite | undefined {
    const { sites } = this.#parts;
    return (
      this.#exact.get(localAddress) ?? this.#any ?? (sites.length === 1 ? sites[0] : undefined)
    );
  }

  #byName(name: string): TlsSite | undefined {
    return this.#exact.get(name) ?? this.#byWildcard(name) ?? this.#any;
  }

  /** From the left, so the longest suffix is found first. */
  #byWildcard(name: string): TlsSite | undefined {
    if (this.#wildcards.size === 0) return undefined;
    for (let dot = name.indexOf(".", 1); dot > 0; dot = name.indexOf(".", dot + 1)) {
      const found = this.#wildcards.get(name.slice(dot));
      if (found !== undefined) return found;
    }
    return undefined;
  }

  #certificateOf(
    { certificateIds, automatic, hosts }: TlsSite,
    hello: ClientHello,
    localAddress: string,
  ): CertificateEntry | undefined {
    const name = hello.serverName || localAddress;
    if (automatic !== undefined) return this.#automatic(automatic, name, hosts);
    const { certificates } = this.#parts;
    const entries = certificateIds.flatMap((id) => certificates.find(id) ?? []);
    return chooseCertificate(entries, hello);
  }

  /** The one for that very name, else the wildcard above it, else, for nobody's name, the site's. */
  #automatic(
    kind: "auto" | "internal",
    name: string,
    hosts: readonly string[],
  ): CertificateEntry | undefined {
    const { certificates } = this.#parts;
    const find = (wanted: string) => certificates.find(automaticId(kind, wanted));
    const dot = name.indexOf(".");
    const found = find(name) ?? (dot > 0 ? find(`*${name.slice(dot)}`) : undefined);
    return found ?? (isIP(name) === 0 ? undefined : find(hosts[0]!));
  }
}
