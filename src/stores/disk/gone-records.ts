/** Records of what is to go, so that it stays gone after a restart. */
import type { Writing } from "./disk-writer.ts";
import type { RecordHead } from "./record.ts";
import type { RecordKey } from "./record-key.ts";
import type { WrittenOrder } from "./segment-table.ts";

const NO_RESPONSE: Omit<RecordHead, "kind" | "key" | "order" | "serial" | "crcs" | "url"> = {
  ...{ partition: "", varyNames: [], varyKey: "", status: 0, lines: "" },
  freshness: {
    ...{ bornMs: 0, lifetimeMs: 0, whileRevalidateMs: 0, ifErrorMs: 0 },
    ...{ mayBeStale: false, needsValidation: false },
  },
  ...{ bodyBytes: 0, rangeAt: 0, rangeTotal: 0, bodySegment: 0, bodyAt: 0 },
};
const NO_KEY: RecordKey = { first: 0, second: 0, partition: 0, variant: 0 };

export function removalOf(key: RecordKey, serial: number): Writing {
  return {
    head: { ...NO_RESPONSE, kind: "removal", key, url: "", serial },
    body: [],
    over: () => {},
  };
}

export function orderOf(order: WrittenOrder): Writing {
  const url = JSON.stringify(order);
  const { serial } = order;
  const head = { ...NO_RESPONSE, kind: "purge" as const, key: NO_KEY, url, serial };
  return { head, body: [], purge: order, over: () => {} };
}
