import assert from "node:assert/strict";
import { test } from "node:test";
import { MINUTE_MS } from "../../../test/support/sim-keeper.ts";
import { SimWorld } from "../../../test/support/sim-world.ts";
import type { TextRecord } from "../../protocol/dns/update.ts";
import { DnsProofs } from "./dns-proofs.ts";
import type { DnsRecords } from "./dns-records.ts";

const ASKING = { servers: [], timeoutMs: 1_000, attempts: 1 };
const PROOF = {
  identifier: { type: "dns", value: "a.test" },
  token: "t",
  authorization: "t.thumb",
} as const;

function stage(waitMs = 2 * MINUTE_MS, delayMs = 0) {
  const world = new SimWorld();
  world.names.text("NS", "a.test", ["ns1.a.test", "ns2.a.test"]);
  world.names.name("ns1.a.test", ["10.0.0.1"]);
  world.names.name("ns2.a.test", ["10.0.0.2"]);
  const log: string[] = [];
  let value = "";
  const records: DnsRecords = {
    async add(record: TextRecord) {
      value = record.value;
      log.push(`add ${record.name}`);
    },
    async remove({ name }) {
      log.push(`remove ${name}`);
    },
  };
  const proofs = new DnsProofs(world, records, { asking: ASKING, servers: [], waitMs, delayMs });
  /** Presents, and lets so much time pass; what came of it. */
  const present = async (ms: number) => {
    let outcome: AsyncDisposable | string | undefined;
    void proofs.present(PROOF).then(
      (shown) => {
        outcome = shown;
      },
      (error: Error) => {
        outcome = error.message;
      },
    );
    await world.clock.advance(ms);
    return () => outcome;
  };
  return { world, log, present, records, value: () => value };
}

test("DnsProofs: the CA is told once the servers have the record, and it is taken back", async () => {
  const { world, log, present, value } = stage();
  const outcome = await present(5_000);
  assert.equal(outcome(), undefined);

  world.names.text("TXT", "_acme-challenge.a.test", ["other", value()]);
  await world.clock.advance(10_000);
  const shown = outcome() as AsyncDisposable;
  await shown[Symbol.asyncDispose]();

  assert.equal(value().length, 43);
  assert.deepEqual(log, ["add _acme-challenge.a.test", "remove _acme-challenge.a.test"]);
});

test("DnsProofs: a record that does not come is said, and taken back", async () => {
  const { log, present } = stage();

  const outcome = await present(3 * MINUTE_MS);

  assert.match(
    String(outcome()),
    /the record at _acme-challenge\.a\.test is not seen at 10\.0\.0\.1, 10\.0\.0\.2/,
  );
  assert.deepEqual(log, ["add _acme-challenge.a.test", "remove _acme-challenge.a.test"]);
});

test("DnsProofs: aliases lead to where the record goes", async () => {
  const { world, log, present } = stage(0);
  world.names.text("CNAME", "_acme-challenge.a.test", ["A-test.ACME.example.net."]);
  world.names.text("CNAME", "a-test.acme.example.net", ["x.example.net"]);

  const outcome = await present(5_000);

  assert.equal(typeof outcome(), "object");
  assert.deepEqual(log, ["add x.example.net"]);
});

// biome-ignore format: a table
const loops: readonly [string, (world: SimWorld) => void, RegExp][] = [
  ["round", (world) => {
    world.names.text("CNAME", "_acme-challenge.a.test", ["b.test"]);
    world.names.text("CNAME", "b.test", ["_acme-challenge.a.test"]);
  }, /go round/],
  ["on and on", (world) => {
    world.names.text("CNAME", "_acme-challenge.a.test", ["n0.test"]);
    for (let n = 0; n < 20; n++) world.names.text("CNAME", `n${n}.test`, [`n${n + 1}.test`]);
  }, /go on and on/],
];
for (const [name, lay, want] of loops) {
  test(`DnsProofs: aliases that go ${name} are an error, and nothing is added`, async () => {
    const { world, log, present } = stage();
    lay(world);

    const outcome = await present(MINUTE_MS);

    assert.match(String(outcome()), want);
    assert.deepEqual(log, []);
  });
}

test("DnsProofs: a provider that fails, and one that fails to clean up", async () => {
  const { world, present, records } = stage(0, 1_000);
  const add = records.add;
  records.add = async () => {
    throw new Error("no such zone");
  };
  const refused = await present(MINUTE_MS);
  records.add = add;
  records.remove = async () => {
    throw new Error("gone");
  };

  const outcome = await present(MINUTE_MS);
  await (outcome() as AsyncDisposable)[Symbol.asyncDispose]();

  assert.match(String(refused()), /^dns-01 for a\.test: no such zone$/);
  assert.deepEqual(
    world.lines.map(({ message }) => message),
    ["cannot remove a DNS record"],
  );
});
