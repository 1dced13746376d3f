/** Parsed `tls:` of a site → files with absolute paths, and who redirects. */
import { resolve } from "node:path";
import type { Address } from "../base/world.ts";
import { type CertificateFiles, isPem } from "../tls/certificate-files.ts";
import type { ClientAuthOptions } from "../tls/client-auth.ts";
import { TLS_PROFILE, type TlsProfile } from "../tls/tls-profile.ts";
import { addressKey } from "./address.ts";
import type { SiteTlsConfig } from "./config.ts";
import { siteAddresses } from "./site-addresses.ts";

export interface ParsedSiteTls {
  readonly certificates: readonly CertificateFiles[];
  readonly automatic?: "auto" | "internal" | undefined;
  readonly redirectFrom?: readonly Address[] | undefined;
  readonly profile?: TlsProfile | undefined;
  readonly hsts?: ParsedHsts | undefined;
  readonly clientAuth?: ParsedClientAuth | undefined;
}

interface ParsedHsts {
  readonly maxAge: number;
  readonly subdomains?: boolean | undefined;
  readonly preload?: boolean | undefined;
}

interface ParsedClientAuth {
  readonly ca: readonly string[];
  readonly mode?: ClientAuthOptions["mode"] | undefined;
  readonly crl?: readonly string[] | undefined;
  readonly headers?: ClientAuthOptions["headers"] | undefined;
}

/** What the top level's `tls:` hands down. */
export interface ParsedTls {
  readonly profile?: TlsProfile | undefined;
}

interface ParsedAddresses {
  readonly listen?: readonly Address[] | undefined;
  readonly tls?: ParsedSiteTls | undefined;
}

export function addressesOf({ listen, tls }: ParsedAddresses) {
  const { served, redirecting } = siteAddresses({
    hasTls: tls !== undefined,
    listen: listen?.map(asItem),
    redirectFrom: tls?.redirectFrom?.map(asItem),
    unwritten: asItem,
  });
  return {
    served: served.map(({ address }) => address),
    redirecting: redirecting.map(({ address }) => address),
  };
}

function asItem(address: Address): { readonly address: Address } {
  return { address };
}

interface Around {
  readonly top: ParsedTls;
  readonly redirecting: readonly Address[];
  readonly folder: string;
}

export function settleTls(
  { certificates, automatic, profile, hsts, clientAuth }: ParsedSiteTls,
  { top, redirecting, folder }: Around,
): SiteTlsConfig {
  return {
    profile: profile ?? top.profile ?? TLS_PROFILE,
    hsts: hsts && hstsField(hsts),
    certificates: certificates.map((each) => absolute(each, folder)),
    automatic,
    redirectFrom: [...new Set(redirecting.map(addressKey))],
    clientAuth: clientAuth && settleClientAuth(clientAuth, folder),
  };
}

/** RFC 6797 §6.1 */
function hstsField({ maxAge, subdomains = false, preload = false }: ParsedHsts): string {
  const seconds = Math.floor(maxAge / 1000);
  return `max-age=${seconds}${subdomains ? "; includeSubDomains" : ""}${preload ? "; preload" : ""}`;
}

function settleClientAuth(
  { ca, mode = "required", crl = [], headers = {} }: ParsedClientAuth,
  folder: string,
): ClientAuthOptions {
  const path = (file: string) => resolve(folder, file);
  return { mode, ca: ca.map(path), crl: crl.map(path), headers };
}

/** Paths are seen from the folder of the config. */
export function absolute({ cert, key }: CertificateFiles, folder: string): CertificateFiles {
  const path = (source: string) => (isPem(source) ? source : resolve(folder, source));
  return { cert: path(cert), key: path(key) };
}
