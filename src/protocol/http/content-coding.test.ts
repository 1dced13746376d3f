import assert from "node:assert/strict";
import { test } from "node:test";
import { type Coding, CodingOffers, codingsOf, preferredCoding } from "./content-coding.ts";
import { HeaderList } from "./header-list.ts";

const ALL = ["zstd", "br", "gzip"] as const;

// biome-ignore format: a table
const cases: [name: string, accept: string, offers: readonly Coding[], want: Coding | undefined][] = [
  ["what a browser sends",                  "gzip, deflate, br, zstd",           ALL,            "zstd"],
  ["what is not offered does not count",    "gzip, deflate, br, zstd",           ["br", "gzip"], "br"],
  ["our order among equals",                "gzip;q=0.5, br;q=0.5",              ALL,            "br"],
  ["the higher quality before our order",   "zstd;q=0.1, br;q=0.2, gzip;q=0.3",  ALL,            "gzip"],
  ["only what we lack",                     "deflate, compress",                 ALL,            undefined],
  ["nothing",                               "",                                  ALL,            undefined],
  ["commas alone",                          ",, ,",                              ALL,            undefined],
  ["a star is for all of them",             "*",                                 ALL,            "zstd"],
  ["a star is for those not named",         "zstd;q=0, *",                       ALL,            "br"],
  ["a star of zero",                        "gzip, *;q=0",                       ALL,            "gzip"],
  ["a quality of zero",                     "gzip;q=0",                          ALL,            undefined],
  ["zero with decimals",                    "gzip;q=0.000, br;q=0.",             ALL,            undefined],
  ["one with decimals",                     "gzip;q=1.000",                      ALL,            "gzip"],
  ["identity alone",                        "identity",                          ALL,            undefined],
  ["identity liked better",                 "gzip;q=0.5, identity",              ALL,            undefined],
  ["identity liked as well",                "gzip, identity",                    ALL,            "gzip"],
  ["identity liked less",                   "gzip, identity;q=0.5",              ALL,            "gzip"],
  ["identity refused, and so are we",       "identity;q=0, gzip;q=0",            ALL,            undefined],
  ["identity refused",                      "identity;q=0, *",                   ALL,            "zstd"],
  ["letter case",                           "GZip;Q=0.7",                        ALL,            "gzip"],
  ["the old name",                          "x-gzip",                            ALL,            "gzip"],
  ["spaces and tabs",                       " gzip\t;\tq=0.3 , br ; q=0.2",      ALL,            "gzip"],
  ["a weight that is none says nothing",    "gzip;q=2, br;q=x, zstd;q=0.1234",   ALL,            undefined],
  ["a negative weight",                     "gzip;q=-1",                         ALL,            undefined],
  ["a second parameter",                    "gzip;q=1;q=0.1",                    ALL,            undefined],
  ["a name that is none",                   "gz ip, g\"zip",                     ALL,            undefined],
  ["the first of two counts",               "gzip;q=0, gzip",                    ALL,            undefined],
  ["beyond 1024 characters",                `${"a,".repeat(600)}gzip`,           ALL,            undefined],
  ["beyond 32 elements",                    `${"a,".repeat(32)}gzip`,            ALL,            undefined],
];

for (const [name, accept, offers, want] of cases) {
  test(`preferredCoding: ${name}`, () => {
    assert.equal(preferredCoding(accept, offers), want);
  });
}

test("CodingOffers: answers alike the second time, and remembers a bounded number", () => {
  const offers = new CodingOffers(ALL);

  for (let round = 0; round < 2; round++) {
    for (const [name, accept, , want] of cases.filter(([, , each]) => each === ALL)) {
      assert.equal(offers.preferred(accept), want, name);
    }
    for (let index = 0; index < 1000; index++)
      offers.preferred(`gzip;q=0.${index % 10}, x${index}`);
  }
});

// biome-ignore format: a table
const codings: [name: string, values: string[], want: readonly string[] | undefined][] = [
  ["one",                          ["gzip"],               ["gzip"]],
  ["two, the last comes off first", ["gzip, br"],          ["br", "gzip"]],
  ["over two lines",               ["gzip", "Br"],         ["br", "gzip"]],
  ["identity is nothing",          ["identity, GZIP"],     ["gzip"]],
  ["empty elements",               [",gzip,, "],           ["gzip"]],
  ["none",                         ["identity"],           []],
  ["more than anyone applies",     ["gzip,".repeat(9)],    undefined],
];

for (const [name, values, want] of codings) {
  test(`codingsOf: ${name}`, () => {
    const headers = HeaderList.empty();
    for (const value of values) headers.add("content-encoding", value);

    assert.deepEqual(codingsOf(headers), want);
  });
}
