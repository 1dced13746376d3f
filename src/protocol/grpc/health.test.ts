import assert from "node:assert/strict";
import { test } from "node:test";
import { readHealthAnswer, writeHealthRequest } from "./health.ts";

test("writeHealthRequest: as protobuf has it", () => {
  assert.equal(writeHealthRequest("").toString("hex"), "0000000000");
  assert.equal(writeHealthRequest("a.B").toString("hex"), "0000000005" + "0a03612e42");
  assert.throws(() => writeHealthRequest("x".repeat(128)));
});

// biome-ignore format: a table
const cases: [name: string, hex: string, want: string][] = [
  ["serving",                     "0000000002" + "0801", "SERVING"],
  ["not serving",                 "0000000002" + "0802", "NOT_SERVING"],
  ["of no such service",          "0000000002" + "0803", "SERVICE_UNKNOWN"],
  ["the default, which is left out", "0000000000",       "UNKNOWN"],
  ["twice: the last one",         "0000000004" + "08020801", "SERVING"],
  ["nothing",                     "",                    "no message"],
  ["cut in its head",             "00000000",            "no message"],
  ["cut in its message",          "0000000002" + "08",   "not one message"],
  ["two messages",                "0000000002" + "0801" + "0000000002" + "0801", "not one message"],
  ["compressed",                  "0100000002" + "0801", "a compressed message"],
  ["another field",               "0000000002" + "1001", "no answer about health"],
  ["a status that nobody knows",  "0000000002" + "0804", "no answer about health"],
  ["a number of two bytes",       "0000000003" + "088101", "no answer about health"],
  ["a field without its value",   "0000000001" + "08",   "no answer about health"],
];

for (const [name, hex, want] of cases) {
  test(`readHealthAnswer: ${name}`, () => {
    const read = readHealthAnswer(Buffer.from(hex, "hex"));
    assert.equal(typeof read === "string" ? read : read.status, want);
  });
}
