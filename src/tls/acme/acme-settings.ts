import type { Address } from "../../base/world.ts";
import type { TsigKey } from "../../protocol/dns/update.ts";
import type { Authority } from "./authority.ts";
import type { ChallengeKind } from "./challenge.ts";
import type { DnsFunction } from "./dns-records.ts";
import type { KeyType } from "./order.ts";

/** How certificates are got, as the config has it. */
export interface AcmeSettings {
  readonly storage: string | undefined; // a folder; undefined: where the system keeps state
  readonly authorities: readonly Authority[]; // in the order in which they are asked
  readonly challenges: readonly ChallengeKind[];
  readonly keyType: KeyType;
  readonly mustStaple: boolean; // clients are to refuse it without an OCSP answer (RFC 7633)
  readonly dns: DnsChallengeSettings | undefined;
  readonly onDemand: OnDemandSettings | undefined;
  readonly isSelfSignedMeanwhile: boolean; // until the first one is there
}

export interface DnsChallengeSettings {
  readonly way:
    | {
        readonly kind: "update";
        readonly server: Address;
        readonly zone: string | undefined;
        readonly key: TsigKey | undefined;
        readonly ttlSeconds: number;
      }
    | { readonly kind: "command"; readonly command: readonly string[] }
    | { readonly kind: "function"; readonly change: DnsFunction };
  readonly resolvers: readonly string[]; // for aliases, zones and the look for the record
  readonly waitMs: number;
  readonly delayMs: number;
}

export interface OnDemandSettings {
  readonly ask: string; // a URL, which gets ?domain=NAME
  readonly perMinute: number; // names that are new
  readonly namesMax: number; // that are kept
}
