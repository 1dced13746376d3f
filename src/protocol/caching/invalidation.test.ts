import assert from "node:assert/strict";
import { test } from "node:test";
import { invalidates, sameOriginTarget } from "./invalidation.ts";

// biome-ignore format: a table
const methods: readonly [method: string, status: number, want: boolean][] = [
  ["POST",     200, true],
  ["PUT",      201, true],
  ["DELETE",   204, true],
  ["PATCH",    302, true],
  ["M-SEARCH", 200, true], // what is unknown may change anything
  ["POST",     400, false],
  ["POST",     500, false],
  ["POST",     100, false],
  ["GET",      200, false],
  ["HEAD",     200, false],
  ["OPTIONS",  200, false],
];
for (const [method, status, want] of methods) {
  test(`invalidates (RFC 9111 §4.4): ${method} answered ${status}`, () => {
    assert.equal(invalidates(method, status), want);
  });
}

const TARGET = "http://a.test:8080/x/y?z=1";

// biome-ignore format: a table
const references: readonly [reference: string | undefined, want: string | undefined][] = [
  [undefined,                    undefined],
  ["/other?q=1",                 "/other?q=1"],
  ["other",                      "/x/other?"],
  ["",                           "/x/y?z=1"],
  ["../up/./a",                  "/up/a?"],
  ["http://a.test:8080/full",    "/full?"],
  ["http://A.TEST:8080/full",    "/full?"],
  ["//a.test:8080/full",         "/full?"],
  ["http://b.test/full",         undefined],
  ["http://a.test/full",         undefined],
  ["https://a.test:8080/full",   undefined],
  ["http://[broken/",            undefined],
];
for (const [reference, want] of references) {
  test(`sameOriginTarget (RFC 9111 §4.4): ${reference}`, () => {
    const found = sameOriginTarget(reference, TARGET);

    assert.equal(found && `${found.path}?${found.query}`, want);
  });
}
