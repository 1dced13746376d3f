import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Site } from "../core/runtime.ts";
import { compileSites, hostProblems } from "./site-table.ts";

function tableOf(...sites: readonly string[][]) {
  return compileSites(sites.map((hosts) => ({ hosts, site: { name: hosts[0] ?? "" } as Site })));
}

// biome-ignore format: a table
const cases: [name: string, sites: string[][], host: string, want: string | undefined][] = [
  ["an exact host",                        [["a.test"], ["b.test"]],                 "b.test",      "b.test"],
  ["one of several hosts",                 [["a.test", "b.test"]],                   "b.test",      "a.test"],
  ["no implicit first site (H1)",          [["a.test"]],                             "evil.test",   undefined],
  ["a host that is none",                  [["a.test"]],                             "",            undefined],
  ["any host where configured",            [["a.test"], ["*"]],                      "evil.test",   "*"],
  ["no host where any is configured",      [["*"]],                                  "",            "*"],
  ["a wildcard",                           [["*.a.test"]],                           "x.a.test",    "*.a.test"],
  ["a wildcard, two labels deep",          [["*.a.test"]],                           "x.y.a.test",  "*.a.test"],
  ["a wildcard is not the name itself",    [["*.a.test"]],                           "a.test",      undefined],
  ["a wildcard ends at a label",           [["*.a.test"]],                           "xa.test",     undefined],
  ["nothing before the wildcard",          [["*.a.test"]],                           ".a.test",     undefined],
  ["exact before wildcard",                [["*.a.test"], ["x.a.test"]],             "x.a.test",    "x.a.test"],
  ["the longest wildcard",                 [["*.test"], ["*.a.test"], ["*"]],        "x.a.test",    "*.a.test"],
  ["the longest wildcard, else shorter",   [["*.test"], ["*.a.test"], ["*"]],        "x.b.test",    "*.test"],
  ["wildcard before any",                  [["*"], ["*.test"]],                      "x.test",      "*.test"],
  ["written in upper case",                [["A.Test"]],                             "a.test",      "A.Test"],
  ["written with a trailing dot",          [["a.test."]],                            "a.test",      "a.test."],
  ["written in Unicode",                   [["münchen.test", "*.köln.test"]],        "x.xn--kln-sna.test", "münchen.test"],
  ["IPv6 in another form",                 [["[0:0::1]"]],                           "[::1]",       "[0:0::1]"],
  ["a name of Object's",                   [["a.test"]],                             "constructor", undefined],
];

for (const [name, sites, host, want] of cases) {
  test(`SiteTable: ${name}`, () => {
    assert.equal(tableOf(...sites).find(host)?.name, want);
  });
}

// biome-ignore format: a table
const problems: [name: string, sites: string[][], want: string[]][] = [
  ["good hosts",                 [["a.test"], ["*.a.test"], ["*"]],    []],
  ["a host in two sites",        [["a.test"], ["b.test", "A.test."]],  ["sites 1 hosts 1 in one site only"]],
  ["a host twice in one site",   [["a.test", "a.test"]],               []],
  ["a port",                     [["a.test:80"]],                      ["sites 0 hosts 0 without a port"]],
  ["a usual port",               [["[::1]:80"]],                       ["sites 0 hosts 0 without a port"]],
  ["a URL",                      [["http://a.test"]],                  ["sites 0 hosts 0 must be a host"]],
  ["a wildcard elsewhere",       [["a.*.test"], ["*a.test"]],          ["sites 0 hosts 0 must be", "sites 1 hosts 0 must be"]],
  ["a wildcard address",         [["*.10.0.0.1"]],                     ["sites 0 hosts 0 must be"]],
  ["nothing",                    [["", "*."]],                         ["sites 0 hosts 0 must be", "sites 0 hosts 1 must be"]],
];

for (const [name, sites, want] of problems) {
  test(`hostProblems: ${name}`, () => {
    const found = hostProblems(sites).map(({ at, message }) => `${at.join(" ")} ${message}`);

    assert.equal(found.length, want.length, found.join("\n"));
    for (const [index, text] of want.entries()) {
      const [place, form] = [text.slice(0, 15), text.slice(16)];
      assert.ok(found[index]!.startsWith(place) && found[index]!.includes(form), found.join("\n"));
    }
    if (want.length > 0) assert.throws(() => tableOf(...sites), /Cannot use the host/);
  });
}

test("SiteTable: agrees with a plain search on random hosts", () => {
  const label = fc.constantFrom("a", "b", "c");
  const host = fc.array(label, { minLength: 1, maxLength: 4 }).map((labels) => labels.join("."));
  const pattern = fc.oneof(
    host,
    host.map((name) => `*.${name}`),
    fc.constant("*"),
  );
  fc.assert(
    fc.property(fc.uniqueArray(pattern, { maxLength: 10 }), fc.array(host), (patterns, hosts) => {
      const table = tableOf(...patterns.map((each) => [each]));
      for (const each of hosts) {
        const fits = patterns.filter((pattern) => each.endsWith(pattern.replace(/^\*/, "")));
        const wildcards = fits.filter((pattern) => pattern.startsWith("*"));
        const longest = wildcards.toSorted((a, b) => b.length - a.length)[0];
        const want = patterns.includes(each) ? each : longest;
        assert.equal(table.find(each)?.name, want, `${each} in ${patterns}`);
        assert.equal(table.explain(each)?.host, want, `${each} in ${patterns}`);
      }
    }),
    { numRuns: 500 },
  );
});
