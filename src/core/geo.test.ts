import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { eventually } from "../../test/support/deadline.ts";
import { mmdbOf } from "../../test/support/mmdb-writer.ts";
import { SimClock } from "../../test/support/sim-clock.ts";
import { GeoDatabases, geoProblem } from "./geo.ts";

const folder = mkdtempSync(join(tmpdir(), "sluice-geo-"));
after(() => rmSync(folder, { recursive: true }));

const country = (code: string) => mmdbOf({ "10.0.0.0/8": { country: { iso_code: code } } });
const fileOf = (name: string, bytes: Buffer) => {
  const file = join(folder, name);
  writeFileSync(file, bytes);
  return file;
};

function databases(files: { country?: string; asn?: string }) {
  const clock = new SimClock();
  const warnings: string[] = [];
  const log = { info: () => {}, warn: (message: string) => void warnings.push(message) };
  return { clock, warnings, geo: new GeoDatabases(files, { clock, log }) };
}

// Of MaxMind, and as others write the same.
// biome-ignore format: a table
const records: [name: string, record: Parameters<typeof mmdbOf>[0][string], country: string, asn: number][] = [
  ["a country of MaxMind's",       { country: { iso_code: "DE" } },                        "DE", 0],
  ["a registered country",         { registered_country: { iso_code: "FR" } },             "FR", 0],
  ["a country code alone",         { country_code: "us" },                                 "US", 0],
  ["a system of MaxMind's",        { autonomous_system_number: 64_512 },                   "",   64_512],
  ["a system as text",             { asn: "AS15169", country: "NL" },                      "NL", 15_169],
  ["what is neither",              { country: "Germany", asn: "none" },                    "",   0],
];

for (const [name, record, wantCountry, wantAsn] of records) {
  test(`GeoDatabases: ${name}`, () => {
    const bytes = mmdbOf({
      "10.0.0.0/8": record,
      "192.0.2.0/24": { country: { iso_code: "XX" }, asn: "1" },
    });
    const file = fileOf(name, bytes);
    const { geo } = databases({ country: file, asn: file });

    assert.equal(geo.country("10.1.2.3"), wantCountry);
    assert.equal(geo.asn("10.1.2.3"), wantAsn);
    assert.equal(geo.country("::ffff:10.1.2.3"), wantCountry);
  });
}

test("GeoDatabases: what no network holds, and what is no address, is unknown", () => {
  const { geo } = databases({ country: fileOf("few", country("DE")) });

  for (const address of ["192.0.2.1", "2001:db8::1", "unix", ""])
    assert.equal(geo.country(address), "", address);
  assert.equal(geo.asn("10.1.2.3"), 0, "nobody was asked for systems");
});

test("GeoDatabases: a new file is taken while it runs, a corrupt one is not, and both are told", async () => {
  const file = fileOf("swapped", country("DE"));
  const { clock, geo, warnings } = databases({ country: file });
  const after = async (bytes: Buffer, isSeen: () => boolean) => {
    writeFileSync(file, bytes);
    await clock.advance(2_000);
    geo.country("10.1.2.3");
    await eventually(
      () => (isSeen() ? true : undefined),
      () => "the file to be looked at",
      5_000,
    );
    return geo.country("10.1.2.3");
  };

  const first = geo.country("10.1.2.3");
  const other = await after(country("FR"), () => geo.country("10.1.2.3") === "FR");
  const kept = await after(
    country("NL").subarray(0, 60),
    () => geo.reports()[0]!.problem !== undefined,
  );
  const [report] = geo.reports();

  assert.deepEqual([first, other, kept], ["DE", "FR", "FR"]);
  assert.equal(report!.type, "Test-Country");
  assert.match(report!.problem!, /is no MaxMind database/);
  assert.equal(warnings.length, 1);
});

test("geoProblem: a database without the thing is none for it", () => {
  assert.equal(geoProblem(country("DE"), "country"), undefined);
  assert.match(
    geoProblem(country("DE"), "asn")!,
    /has no autonomous system in it; it is of the type Test-Country/,
  );
  assert.match(geoProblem(Buffer.from("x"), "country")!, /is no MaxMind database/);
});
