import type { Address, TlsIdentity } from "../base/world.ts";
import { type Manner, PLAIN, type Scheme, type Speech } from "../core/upstream.ts";

/** How the endpoints of an upstream are secured that are. */
export interface UpstreamTls {
  readonly identity: TlsIdentity;
  readonly serverName: string | undefined; // undefined: the name of each
  readonly speaks: readonly Speech[]; // where the scheme leaves it open
}

export const TLS_IDENTITY: TlsIdentity = {
  ca: [],
  cert: undefined,
  key: undefined,
  verify: true,
  minVersion: "1.2",
};

interface Addressed {
  readonly address: Address;
  readonly scheme?: Scheme;
  readonly serverName?: string | undefined;
}

export const SPEAKS: readonly Speech[] = ["h2", "h1"];
const HTTP2: readonly Speech[] = ["h2"];

const ALPN: Readonly<Record<Speech, string>> = { h1: "http/1.1", h2: "h2" };

export function mannerOf(
  { address, scheme = "http", serverName }: Addressed,
  tls: UpstreamTls = { identity: TLS_IDENTITY, serverName: undefined, speaks: SPEAKS },
): Manner {
  if (scheme === "http") return PLAIN;
  const speaks = scheme === "https" ? tls.speaks : HTTP2;
  if (scheme === "h2c") return { scheme, speaks, tls: undefined, key: "h2c" };
  const { identity } = tls;
  const name = tls.serverName ?? serverName ?? address.host;
  return {
    scheme,
    speaks,
    tls: { serverName: name, alpn: speaks.map((each) => ALPN[each]), identity },
    key: JSON.stringify([scheme, speaks, name, identity]),
  };
}

/** The same endpoint, asked to speak HTTP/1. */
export function overHttp1(manner: Manner): Manner {
  const { tls } = manner;
  return { ...manner, speaks: ["h1"], tls: tls && { ...tls, alpn: [ALPN.h1] } };
}
