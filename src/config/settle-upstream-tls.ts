import { resolve } from "node:path";
import type { TlsIdentity } from "../base/world.ts";
import type { Speech } from "../core/upstream.ts";
import { SPEAKS, TLS_IDENTITY, type UpstreamTls } from "../upstream/manner.ts";

/** What the schema of `upstreams.NAME.tls` answers with. */
export interface ParsedUpstreamTls {
  readonly ca?: readonly string[] | undefined;
  readonly serverName?: string | undefined;
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
  readonly verify?: boolean | undefined;
  readonly minVersion?: TlsIdentity["minVersion"] | undefined;
}

/** Files are those beside the config, unless their paths are absolute. */
export function settleUpstreamTls(
  tls: ParsedUpstreamTls = {},
  folder: string,
  speaks: readonly Speech[] = SPEAKS,
): UpstreamTls {
  const { ca, serverName, cert, key, verify, minVersion } = tls;
  return {
    serverName,
    speaks,
    identity: {
      ca: (ca ?? TLS_IDENTITY.ca).map((file) => resolve(folder, file)),
      cert: cert && resolve(folder, cert),
      key: key && resolve(folder, key),
      verify: verify ?? TLS_IDENTITY.verify,
      minVersion: minVersion ?? TLS_IDENTITY.minVersion,
    },
  };
}
