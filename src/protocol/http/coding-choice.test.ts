import assert from "node:assert/strict";
import { test } from "node:test";
import { chooseCoding } from "./coding-choice.ts";
import { CodingOffers } from "./content-coding.ts";
import { HeaderList } from "./header-list.ts";
import { MediaTypes } from "./media-types.ts";

const rules = {
  offers: new CodingOffers(["zstd", "br", "gzip"]),
  types: new MediaTypes(["text/*"]),
  bytesMin: 1024,
};

type Fields = Readonly<Record<string, string>>;

interface Case {
  readonly request?: Fields;
  readonly minorVersion?: number;
  readonly accept?: string;
  readonly status?: number;
  readonly response?: Fields;
  readonly bytes?: number | undefined;
}

const HTML = { "content-type": "text/html" };

// biome-ignore format: a table
const cases: [name: string, given: Case, want: string][] = [
  ["a page",                                {},                                                                        "br, varies"],
  ["of unknown length",                     { bytes: undefined },                                                      "br, varies"],
  ["an error page",                         { status: 404 },                                                           "br, varies"],
  ["just large enough",                     { bytes: 1024 },                                                           "br, varies"],
  ["too small",                             { bytes: 1023 },                                                           "small"],
  ["empty",                                 { bytes: 0 },                                                              "small"],
  ["another type",                          { response: { "content-type": "image/png" } },                             "type"],
  ["no type",                               { response: {} },                                                          "type"],
  ["coded by the origin",                   { response: { ...HTML, "content-encoding": "gzip" } },                     "coded"],
  ["coded in a way nobody knows",           { response: { ...HTML, "content-encoding": "x" } },                        "coded"],
  ["coded more often than anyone would",    { response: { ...HTML, "content-encoding": "gzip,".repeat(10) } },         "coded"],
  ["coded as identity, which is none",      { response: { ...HTML, "content-encoding": "identity" } },                 "br, varies"],
  ["not to be transformed",                 { response: { ...HTML, "cache-control": "public, No-Transform" } },        "no_transform"],
  ["another directive of a similar name",   { response: { ...HTML, "cache-control": "no-transformer, x-no-transform" } }, "br, varies"],
  ["the client wants no transformation",    { request: { "cache-control": "no-transform" } },                          "no_transform, varies"],
  ["a part",                                { status: 206, response: { ...HTML, "content-range": "bytes 0-1/9" } },    "status"],
  ["a part that does not say so",           { response: { ...HTML, "content-range": "bytes 0-1/9" } },                 "status"],
  ["no content",                            { status: 204 },                                                           "status"],
  ["reset content",                         { status: 205 },                                                           "status"],
  ["not modified",                          { status: 304 },                                                           "status"],
  ["interim",                               { status: 103 },                                                           "status"],
  ["a part was asked for",                  { request: { range: "bytes=0-1" } },                                       "range, varies"],
  ["HTTP/1.0",                              { minorVersion: 0 },                                                       "version, varies"],
  ["the client takes none",                 { accept: "identity" },                                                    "accept, varies"],
  ["the client says nothing",               { accept: "" },                                                            "accept, varies"],
  ["nothing to choose where it is small",   { bytes: 10, accept: "" },                                                 "small"],
];

for (const [name, given, want] of cases) {
  test(`chooseCoding: ${name}`, () => {
    const { request = {}, minorVersion = 1, accept = "gzip, br", status = 200 } = given;
    const { response = HTML, bytes = "bytes" in given ? undefined : 5000 } = given;

    const { coding, why, varies } = chooseCoding(
      { minorVersion, headers: HeaderList.of(request) },
      { status, headers: HeaderList.of(response) },
      { accept, bytes },
      rules,
    );

    assert.equal(`${coding ?? why}${varies ? ", varies" : ""}`, want);
  });
}
