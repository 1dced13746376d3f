import type { ClientTls } from "../core/tls.ts";
import type { ProxyHeader } from "../protocol/proxy-protocol/proxy-header.ts";

/** What a connection began with, before the protocol that it is for. */
export interface Prelude {
  readonly proxy: ProxyHeader | undefined;
  readonly tls: ClientTls | undefined;
}

export const NO_PRELUDE: Prelude = { proxy: undefined, tls: undefined };
