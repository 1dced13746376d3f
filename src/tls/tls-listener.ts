import type { CertificateEntry, Certificates } from "../core/certificates.ts";
import type { TlsPlan, TlsTerms } from "../core/tls.ts";
import type { ClientHello } from "../protocol/client-hello/client-hello.ts";
import { chooseCertificate } from "./certificate-choice.ts";
import type { TlsContexts } from "./tls-contexts.ts";
import type { TlsProfile } from "./tls-profile.ts";

/** How one site is served over TLS. */
export interface TlsSite {
  readonly name: string;
  readonly hosts: readonly string[]; // lower case: "a.test" "*.a.test" "*" "[::1]"
  readonly certificateIds: readonly string[];
  readonly profile: TlsProfile;
}

export interface TlsListenerParts {
  readonly key: string; // of the listener
  readonly alpn: readonly string[];
  readonly sites: readonly TlsSite[];
  readonly certificates: Certificates;
  readonly contexts: TlsContexts;
}

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

  find(hello: ClientHello, localAddress: string): TlsTerms | undefined {
    const { serverName } = hello;
    const site = serverName === "" ? this.#byAddress(localAddress) : this.#byName(serverName);
    const entry = site && this.#certificateOf(site, hello);
    if (site === undefined || entry === undefined) return undefined;
    const { key, alpn, contexts } = this.#parts;
    const { name, profile } = site;
    const context = contexts.find(entry, { key: `${key} ${name} ${profile}`, profile });
    return { server: { context, alpn }, policy: "" };
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

  #certificateOf({ certificateIds }: TlsSite, hello: ClientHello): CertificateEntry | undefined {
    const { certificates } = this.#parts;
    const entries = certificateIds.flatMap((id) => certificates.find(id) ?? []);
    return chooseCertificate(entries, hello);
  }
}
