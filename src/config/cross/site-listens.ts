import type { Address } from "../../base/world.ts";
import type { Path } from "../../core/feature.ts";
import { addressKey, parseListen } from "../address.ts";
import { type SiteAddresses, siteAddresses } from "../site-addresses.ts";
import { asMap, asTexts, type RawSite } from "./raw.ts";

export interface SiteListen {
  readonly key: string;
  readonly address: Address;
  readonly at: Path;
}

/** The addresses of a site that may be wrong, as far as they can be read. */
export function siteListens({ site, at }: RawSite): SiteAddresses<SiteListen> {
  const { redirectFrom } = asMap(site["tls"]);
  return siteAddresses({
    hasTls: site["tls"] !== undefined,
    listen: site["listen"] === undefined ? undefined : listensIn(site["listen"], [...at, "listen"]),
    redirectFrom:
      redirectFrom === undefined
        ? undefined
        : listensIn(redirectFrom, [...at, "tls", "redirectFrom"]),
    unwritten: (address) => ({ key: addressKey(address), address, at: [...at, "listen"] }),
  });
}

function listensIn(value: unknown, at: Path): SiteListen[] {
  return asTexts(value).flatMap(({ text, at: inner }) => {
    const address = parseListen(text);
    return address === undefined
      ? []
      : [{ key: addressKey(address), address, at: [...at, ...inner] }];
  });
}
