import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import * as fc from "fast-check";
import { mmdbOf } from "../../../test/support/mmdb-writer.ts";
import { part, skipWithout } from "../../../test/support/parts.ts";
import { parseIp } from "../../base/ip-address.ts";
import { Mmdb } from "./mmdb.ts";
import { MmdbError } from "./mmdb-data.ts";

const folder = mkdtempSync(join(tmpdir(), "sluice-mmdb-"));
after(() => rmSync(folder, { recursive: true }));

const country = (code: string) => ({
  country: { geoname_id: 7, iso_code: code },
  more: "x".repeat(300),
});
const ENTRIES = {
  "10.0.0.0/8": country("DE"),
  "10.1.0.0/16": country("FR"),
  "192.0.2.1/32": country("US"),
  "2001:db8::/32": country("NL"),
  "2001:db8:1::/48": country("BE"),
};

function codeOf(database: Mmdb, address: string): string | undefined {
  const record = database.find(parseIp(address)!);
  return record < 0 ? undefined : database.textAt(record, ["country", "iso_code"]);
}

// biome-ignore format: a table
const cases: [address: string, want: string | undefined][] = [
  ["10.2.3.4",             "DE"],
  ["10.0.255.255",         "DE"],
  ["10.1.0.0",             "FR"],
  ["10.1.255.255",         "FR"],
  ["::ffff:10.1.0.1",      "FR"],
  ["192.0.2.1",            "US"],
  ["192.0.2.2",            undefined],
  ["9.255.255.255",        undefined],
  ["2001:db8::1",          "NL"],
  ["2001:db8:1::1",        "BE"],
  ["2001:db8:2::1",        "NL"],
  ["2001:db9::1",          undefined],
];

for (const recordBits of [24, 28, 32] as const) {
  for (const [address, want] of cases) {
    test(`Mmdb: ${address} with records of ${recordBits} bits`, () => {
      assert.equal(codeOf(new Mmdb(mmdbOf(ENTRIES, { recordBits })), address), want);
    });
  }
}

test("Mmdb: a tree of IPv4 knows nothing of IPv6", () => {
  const database = new Mmdb(mmdbOf({ "10.0.0.0/8": country("DE") }, { ipVersion: 4 }));

  assert.equal(codeOf(database, "10.2.3.4"), "DE");
  assert.equal(codeOf(database, "2001:db8::1"), undefined);
  assert.equal(codeOf(database, "::a00:1"), undefined);
});

test("Mmdb: what it says of itself, and all of its records", () => {
  const database = new Mmdb(mmdbOf(ENTRIES));

  assert.equal(database.type, "Test-Country");
  assert.equal(database.builtMs, 1_700_000_000_000);
  assert.equal(database.records().size, 5);
});

test("Mmdb: reads what mmdblookup reads", { skip: skipWithout("mmdblookup") }, () => {
  const file = join(folder, "a.mmdb");
  writeFileSync(file, mmdbOf(ENTRIES, { recordBits: 28 }));

  for (const [address, want] of cases.filter(
    ([address, code]) => code !== undefined && !address.startsWith("::ffff:"),
  )) {
    const args = ["--file", file, "--ip", address, "country", "iso_code"];
    const said = execFileSync(part("mmdblookup")!, args, { encoding: "utf8" });
    assert.match(said, new RegExp(`"${want}" <utf8_string>`), address);
  }
});

// biome-ignore format: a table
const broken: [name: string, bytes: Buffer][] = [
  ["nothing",                Buffer.alloc(0)],
  ["another file",           Buffer.from("<html>not found</html>")],
  ["one cut short",          mmdbOf(ENTRIES).subarray(0, 200)],
  ["a tree that is missing", mmdbOf(ENTRIES).subarray(-250)],
];

for (const [name, bytes] of broken) {
  test(`Mmdb: refuses ${name}`, () => {
    assert.throws(() => new Mmdb(bytes), MmdbError);
  });
}

test("Mmdb: bytes that are wrong somewhere throw MmdbError and nothing else, and come to an end", () => {
  const whole = mmdbOf(ENTRIES, { recordBits: 28 });
  const change = fc.tuple(fc.nat(whole.length - 1), fc.nat(255));

  fc.assert(
    fc.property(fc.array(change, { minLength: 1, maxLength: 8 }), (changes) => {
      const bytes = Buffer.from(whole);
      for (const [at, byte] of changes) bytes[at] = byte;
      try {
        const database = new Mmdb(bytes);
        for (const record of database.records()) database.textAt(record, ["country", "iso_code"]);
        for (const [address] of cases) codeOf(database, address);
      } catch (error) {
        if (!(error instanceof MmdbError)) throw error;
      }
    }),
    { numRuns: 2_000 },
  );
});
