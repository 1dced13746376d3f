import type { TextRecord } from "../../protocol/dns/update.ts";

/** Puts TXT records into the DNS, by whatever way one's provider has. */
export interface DnsRecords {
  add(record: TextRecord): Promise<void>;
  remove(record: TextRecord): Promise<void>;
}

/** What a config in TypeScript may give; the promise rejects with what went wrong. */
export type DnsFunction = (
  change: TextRecord & { readonly action: "add" | "remove" },
) => Promise<void> | void;
