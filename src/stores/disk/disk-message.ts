import type { RecordPlace } from "./disk-index.ts";
import type { RecordKey } from "./record-key.ts";

/** What other workers are told, so that they find what this one has written. */
export type DiskMessage =
  | { readonly kind: "stored"; readonly records: readonly ToldRecord[] }
  | { readonly kind: "removed"; readonly key: RecordKey; readonly order: number }
  | { readonly kind: "dropped"; readonly segment: number };

export interface ToldRecord extends RecordPlace {
  readonly key: RecordKey;
  readonly worker: number;
  readonly serial: number;
}
