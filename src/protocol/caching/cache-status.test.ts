import assert from "node:assert/strict";
import { test } from "node:test";
import { type CacheStatus, cacheStatusText } from "./cache-status.ts";

// biome-ignore format: a table
const cases: readonly [status: CacheStatus, want: string][] = [
  [{ ttlSeconds: 30 },                                     "Sluice; hit; ttl=30"],
  [{ ttlSeconds: -3 },                                     "Sluice; hit; ttl=-3"],
  [{ forwarded: "uri-miss", isStored: true },              "Sluice; fwd=uri-miss; stored"],
  [{ forwarded: "uri-miss", isCollapsed: true },           "Sluice; fwd=uri-miss; collapsed"],
  [{ forwarded: "stale", forwardedStatus: 304 },           "Sluice; fwd=stale; fwd-status=304"],
  [{ forwarded: "bypass", detail: "cookie" },              "Sluice; fwd=bypass; detail=cookie"],
];
for (const [status, want] of cases) {
  test(`cacheStatusText (RFC 9211): ${want}`, () => {
    assert.equal(cacheStatusText("Sluice", status), want);
  });
}
