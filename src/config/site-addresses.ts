import type { Address } from "../base/world.ts";
import { addressKey } from "./address.ts";

const CLEAR_PORT = 80;
const CLEAR: Address = { host: "0.0.0.0", port: CLEAR_PORT };
const SECURE: Address = { host: "0.0.0.0", port: 443 };

/** Where a site is served, and where it only says that it is served with TLS. */
export interface SiteAddresses<Item> {
  readonly served: readonly Item[];
  readonly redirecting: readonly Item[];
}

interface Said<Item> {
  readonly hasTls: boolean;
  readonly listen: readonly Item[] | undefined;
  readonly redirectFrom: readonly Item[] | undefined;
  /** Of an address that nobody has written. */
  readonly unwritten: (address: Address) => Item;
}

/** One reading of `listen` and `tls.redirectFrom`, for the check and for what follows it. */
export function siteAddresses<Item extends { readonly address: Address }>({
  hasTls,
  listen,
  redirectFrom,
  unwritten,
}: Said<Item>): SiteAddresses<Item> {
  if (!hasTls) return { served: listen ?? [unwritten(CLEAR)], redirecting: [] };
  if (redirectFrom !== undefined) {
    const keys = new Set(redirectFrom.map(({ address }) => addressKey(address)));
    const served = (listen ?? [unwritten(SECURE)]).filter(
      ({ address }) => !keys.has(addressKey(address)),
    );
    return { served, redirecting: redirectFrom };
  }
  if (listen === undefined) {
    return { served: [unwritten(SECURE)], redirecting: [unwritten(CLEAR)] };
  }
  return {
    served: listen.filter(({ address }) => address.port !== CLEAR_PORT),
    redirecting: listen.filter(({ address }) => address.port === CLEAR_PORT),
  };
}
