/** Keys of an upstream that only make sense beside others. */
import type { Path } from "../../core/feature.ts";
import type { Notes } from "./notes.ts";
import { asList, asMap, type RawMap } from "./raw.ts";

export function checkBalance(
  upstream: RawMap,
  at: Path,
  { notes, ownZone }: { readonly notes: Notes; readonly ownZone: unknown },
): void {
  const endpoints = asList(upstream["endpoints"]).map(asMap);
  if (upstream["prefer"] === "zone") checkZones(endpoints, [...at, "prefer"], { notes, ownZone });
  const isBounded =
    upstream["maxRequests"] !== undefined ||
    !["off", undefined].includes(upstream["concurrency"] as string | undefined) ||
    endpoints.some(({ maxRequests }) => maxRequests !== undefined);
  if (upstream["queue"] !== undefined && upstream["queue"] !== "off" && !isBounded) {
    notes.warning([...at, "queue"], "it has no effect without maxRequests or concurrency", "key");
  }
  const { balance } = upstream;
  const key = typeof asMap(balance)["hash"];
  if (upstream["sticky"] !== undefined && (balance === "ipHash" || key !== "undefined")) {
    const why = "the cookie decides before the hash does, for every client that has one";
    notes.warning([...at, "sticky"], why, "key");
  }
}

function checkZones(
  endpoints: readonly RawMap[],
  at: Path,
  { notes, ownZone }: { readonly notes: Notes; readonly ownZone: unknown },
): void {
  if (ownZone === undefined) {
    notes.problem(at, "zone needs to know where this proxy is: zone at the top level, got nothing");
  } else if (!endpoints.some(({ zone }) => zone === ownZone)) {
    notes.warning(at, "no endpoint has the zone of this proxy");
  }
}
