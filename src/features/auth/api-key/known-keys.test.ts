import assert from "node:assert/strict";
import { test } from "node:test";
import { digestOf, KnownKeys, parseKeyFile } from "./known-keys.ts";

const KEY = "correct-horse-battery-staple";
const DIGEST = digestOf(KEY);

test("digestOf: what sha256sum says", () => {
  assert.equal(digestOf("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
});

// biome-ignore format: a table
const files: [name: string, text: string, want: string][] = [
  ["a key",                    `mobile:${DIGEST}`,                          "mobile {}"],
  ["sha256: before it",        `mobile:sha256:${DIGEST}`,                   "mobile {}"],
  ["capitals",                 `mobile:${DIGEST.toUpperCase()}`,            "mobile {}"],
  ["claims",                   `mobile:${DIGEST} {"plan":"gold"}`,          'mobile {"plan":"gold"}'],
  ["comments and empty lines", `# keys\n\n mobile:${DIGEST} \r\n`,          "mobile {}"],
];

for (const [name, text, want] of files) {
  test(`parseKeyFile: ${name}`, () => {
    const proof = new KnownKeys(parseKeyFile(text)).find(KEY);

    assert.ok(proof !== undefined);
    const { identity } = proof;
    assert.equal(`${identity.name} ${JSON.stringify(identity.claims)}`, want);
    assert.equal(Object.getPrototypeOf(identity.claims), null);
  });
}

// biome-ignore format: a table
const broken: [name: string, text: string][] = [
  ["a key in the clear",       `mobile:${KEY}`],
  ["a digest of another kind", "mobile:d41d8cd98f00b204e9800998ecf8427e"],
  ["no name",                  `:${DIGEST}`],
  ["a name with a space",      `a b:${DIGEST}`],
  ["claims that are no JSON",  `mobile:${DIGEST} {plan}`],
  ["claims that are a list",   `mobile:${DIGEST} []`],
];

for (const [name, text] of broken) {
  test(`parseKeyFile: refuses ${name}, and does not show it`, () => {
    assert.throws(
      () => parseKeyFile(`# first\n${text}`),
      (error: Error) => {
        assert.match(error.message, /^line 2 must be /);
        assert.ok(!error.message.includes(KEY));
        return true;
      },
    );
  });
}

test("KnownKeys: nothing is found for what is no key, nor for a digest", () => {
  const keys = new KnownKeys(parseKeyFile(`mobile:${DIGEST}`));

  for (const shown of ["", DIGEST, `${KEY} `, "__proto__"])
    assert.equal(keys.find(shown), undefined);
});
