import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { DnsServer } from "../../test/support/dns-server.ts";
import { SystemNames } from "./system-names.ts";

let server: DnsServer;
before(async () => {
  server = await DnsServer.open();
});
after(() => server.close());

const asking = () => ({ servers: [server.address], timeoutMs: 200, attempts: 1 });

test("SystemNames: addresses of both families, with how long they hold", async () => {
  server.zones.set("app.test", { ttl: 30, a: ["10.0.0.1", "10.0.0.2", "2001:db8::1"] });
  const names = new SystemNames();

  const v4 = await names.addresses("app.test", 4, asking());
  const v6 = await names.addresses("app.test", 6, asking());

  assert.deepEqual(v4, { kind: "found", records: ["10.0.0.1", "10.0.0.2"], ttlMs: 30_000 });
  assert.deepEqual(v6, { kind: "found", records: ["2001:db8::1"], ttlMs: 30_000 });
});

test("SystemNames: services, with their targets as names are written", async () => {
  const srv = [
    { host: "A.app.test", port: 3000, priority: 1, weight: 5 },
    { host: ".", port: 0 },
  ];
  server.zones.set("_http._tcp.app.test", { srv });
  const names = new SystemNames();

  const answer = await names.services("_http._tcp.app.test", asking());

  assert.equal(answer.kind, "found");
  const found = answer.kind === "found" ? answer.records : [];
  assert.deepEqual(
    found.map(({ host, port, priority, weight }) => [host, port, priority, weight]),
    [["a.app.test", 3000, 1, 5]],
  );
});

// biome-ignore format: a table
const refusals: [zone: "NXDOMAIN" | "SERVFAIL" | "silence" | "garbage" | "empty", want: string][] = [
  ["NXDOMAIN", "none ENOTFOUND"],
  ["SERVFAIL", "failed ESERVFAIL"],
  ["silence",  "failed ETIMEOUT"],
  ["garbage",  "failed EBADRESP"],
  ["empty",    "none ENODATA"],
];

for (const [zone, want] of refusals) {
  test(`SystemNames: ${zone} is an answer`, async () => {
    server.zones.set("bad.test", zone === "empty" ? { a: [] } : zone);
    const names = new SystemNames();

    const answer = await names.addresses("bad.test", 4, asking());

    assert.equal(answer.kind === "found" ? "found" : `${answer.kind} ${answer.why}`, want);
  });
}

test("SystemNames: an answer that does not fit comes over TCP", async () => {
  server.zones.set("big.test", "cut");
  const names = new SystemNames();

  const answer = await names.addresses("big.test", 4, asking());

  assert.equal(answer.kind, "found");
  assert.ok(server.asked.includes("A big.test/tcp"), server.asked.join());
});

test("SystemNames: the hosts file comes first, and asks nobody", async () => {
  const names = new SystemNames();
  const askedBefore = server.asked.length;

  const answer = await names.addresses("localhost", 4, asking());

  assert.deepEqual([answer.kind, server.asked.length], ["found", askedBefore]);
});
