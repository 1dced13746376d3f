import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { test } from "node:test";
import * as fc from "fast-check";
import { parseSignatureInputs, parseSignatures, signatureBase } from "./message-signature.ts";

test("message signature: the example of RFC 9421 §B.2.5, with HMAC-SHA256", () => {
  const key = Buffer.from(
    "uzvJfB4u3N0Jy4T7NZ75MDVcr8zSTInedJtkgcu46YW4XByzNJjxBdtjUkdJPBtbmHhIDi6pcl8jsasjlTMtDQ==",
    "base64",
  );
  const input =
    'sig-b25=("date" "@authority" "content-type");created=1618884473;keyid="test-shared-secret"';
  const values: Readonly<Record<string, string>> = {
    date: "Tue, 20 Apr 2021 02:07:55 GMT",
    "@authority": "example.com",
    "content-type": "application/json",
  };

  const [first] = parseSignatureInputs(input)!;
  const base = signatureBase(first!, (name) => values[name])!;
  const signature = parseSignatures("sig-b25=:pxcQw6G3AjtMBQjwo8XzkZf/bws5LelbaMk5rGIGtE8=:")!;

  assert.deepEqual(
    [first!.label, first!.created, first!.expires, first!.keyId, first!.algorithm],
    ["sig-b25", 1_618_884_473, undefined, "test-shared-secret", undefined],
  );
  assert.ok(createHmac("sha256", key).update(base).digest().equals(signature.get("sig-b25")!));
});

// biome-ignore format: a table
const inputs: [name: string, field: string, want: string | undefined][] = [
  ["several",                  'a=("@method");keyid="1", b=();created=5', "a:@method:1 b::"],
  ["all parameters",           'a=("@method" "x-y");created=1;expires=2;keyid="k";alg="hmac-sha256";nonce="n";tag="t"', "a:@method,x-y:k"],
  ["nothing",                  "",                                    undefined],
  ["a comma at the end",       'a=("@method"),',                      undefined],
  ["no list",                  'a="@method"',                         undefined],
  ["a component with a parameter", 'a=("x";sf)',                      undefined],
  ["a component twice",        'a=("x" "x")',                         undefined],
  ["capitals",                 'a=("Date")',                          undefined],
  ["two spaces",               'a=("x"  "y")',                        undefined],
  ["no quotes",                "a=(date)",                            undefined],
  ["not closed",               'a=("x"',                              undefined],
  ["a parameter that is a token", 'a=("x");keyid=k',                  undefined],
  ["an escape",                'a=("x");keyid="a\\"b"',               undefined],
  ["too many",                 `a=(${Array.from({ length: 33 }, (_, at) => `"x${at}"`).join(" ")})`, undefined],
  ["too long",                 `a=("x");keyid="${"k".repeat(5_000)}"`, undefined],
];

for (const [name, field, want] of inputs) {
  test(`parseSignatureInputs: ${name}`, () => {
    const said = parseSignatureInputs(field)
      ?.map(({ label, components, keyId }) => `${label}:${components}:${keyId}`)
      .join(" ");

    assert.equal(said, want);
  });
}

test("parseSignatures: bytes by label; repeats and other forms are refused", () => {
  assert.deepEqual(
    [...parseSignatures("a=:AAEC:, b=:Aw==:")!],
    [
      ["a", Buffer.from([0, 1, 2])],
      ["b", Buffer.from([3])],
    ],
  );
  for (const field of [
    "a=AAEC",
    "a=:AAEC:, a=:AAEC:",
    "a=:AA EC:",
    "a=::",
    `a=:${"A".repeat(5_000)}:`,
  ]) {
    assert.equal(parseSignatures(field), undefined, field);
  }
});

test("signatureBase: no base where the request lacks a component", () => {
  assert.equal(
    signatureBase({ components: ["x"], params: "" }, () => undefined),
    undefined,
  );
});

test("message signature: any text is read in no time, and never throws", () => {
  fc.assert(
    fc.property(
      fc.string({ unit: fc.constantFrom(...'a=("@x" );,:1/+- \t'.split("")), maxLength: 200 }),
      (text) => {
        parseSignatureInputs(text);
        parseSignatures(text);
      },
    ),
    { numRuns: 2_000 },
  );
});
