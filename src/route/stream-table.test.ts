import assert from "node:assert/strict";
import { test } from "node:test";
import type { StreamPlan } from "../core/stream.ts";
import { compileStreams } from "./stream-table.ts";

function plan(name: string, serverNames: readonly string[]): StreamPlan {
  return { name, serverNames } as StreamPlan; // the table looks at nothing else
}

const exact = plan("exact", ["a.test", "x.b.test"]);
const wide = plan("wide", ["*.test"]);
const near = plan("near", ["*.b.test"]);
const rest = plan("rest", []);

// biome-ignore format: a table
const cases: [name: string, streams: StreamPlan[], serverName: string, want: string | undefined][] = [
  ["an exact name",                        [wide, exact, rest],       "a.test",     "exact"],
  ["an exact name before a wildcard",      [near, wide, exact],       "x.b.test",   "exact"],
  ["the longer wildcard",                  [wide, near],              "y.b.test",   "near"],
  ["a wildcard, more than one label down", [near, rest],              "z.y.b.test", "near"],
  ["a wildcard is not its own name",       [near, rest],              "b.test",     "rest"],
  ["no part of a label",                   [near, rest],              "xb.test",    "rest"],
  ["an unknown name, and a rest",          [exact, rest],             "other.org",  "rest"],
  ["an unknown name, and none",            [exact],                   "other.org",  undefined],
  ["no name, and a rest",                  [exact, wide, rest],       "",           "rest"],
  ["no name, and none",                    [exact, wide],             "",           undefined],
];

for (const [name, streams, serverName, want] of cases) {
  test(`compileStreams: ${name}`, () => {
    assert.equal(compileStreams(streams).find(serverName)?.name, want);
  });
}
