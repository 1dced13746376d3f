import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { expand } from "./expand.ts";

const folder = mkdtempSync(join(tmpdir(), "sluice-expand-"));
after(() => rmSync(folder, { recursive: true }));
writeFileSync(join(folder, "secret"), "s3cret ${HOME}\n");
writeFileSync(join(folder, "two-lines"), "a\nb\r\n");
writeFileSync(join(folder, "bytes"), new Uint8Array([0xff, 0xfe]));
writeFileSync(join(folder, "large"), "");
truncateSync(join(folder, "large"), 64 * 1024 + 1);
mkdirSync(join(folder, "folder"));

const env = { HOST: "a.test", EMPTY: "", NESTED: "${HOST}", DOLLAR: "$& $1" };
const REFUSED = "refused";

// biome-ignore format: a table
const cases: readonly (readonly [name: string, text: string, want: string])[] = [
  ["nothing to expand", "a $ b {c} $x", "a $ b {c} $x"],
  ["a variable", "${HOST}", "a.test"],
  ["two in a text", "http://${HOST}:80/${HOST}", "http://a.test:80/a.test"],
  ["a variable set to nothing", "x${EMPTY}y", "xy"],
  ["a default not needed", "${HOST:-b.test}", "a.test"],
  ["a default of an unset variable", "${NOBODY:-b.test:80}", "b.test:80"],
  ["a default of an empty variable", "${EMPTY:-b}", "b"],
  ["an empty default", "x${NOBODY:-}y", "xy"],
  ["a default with a newline", "${NOBODY:-a\nb}", "a\nb"],
  ["a value is not expanded again", "${NESTED}", "${HOST}"],
  ["a value with replacement marks", "${DOLLAR}", "$& $1"],
  ["an escape", "$${HOST}", "${HOST}"],
  ["an escape beside a variable", "$${x} ${HOST}", "${x} a.test"],
  ["two dollars and a variable", "$$ ${HOST}", "$$ a.test"],
  ["a file, without its last newline", "${file:secret}", "s3cret ${HOME}"],
  ["a file, without its last CRLF", "${file:two-lines}", "a\nb"],
  ["a file by its whole path", `\${file:${join(folder, "secret")}}`, "s3cret ${HOME}"],
  ["an unset variable", "${NOBODY}", REFUSED],
  ["a name of Object's", "${constructor}", REFUSED],
  ["a prototype", "${__proto__}", REFUSED],
  ["an empty name", "${}", REFUSED],
  ["a name with a dash", "${A-B}", REFUSED],
  ["an operator we do not have", "${HOST:+x}", REFUSED],
  ["unclosed", "${HOST", REFUSED],
  ["unclosed after a good one", "${HOST} ${", REFUSED],
  ["a missing file", "${file:nothing}", REFUSED],
  ["a folder", "${file:folder}", REFUSED],
  ["a device", "${file:/dev/zero}", REFUSED],
  ["a large file", "${file:large}", REFUSED],
  ["a file that is not UTF-8", "${file:bytes}", REFUSED],
];

for (const [name, text, want] of cases) {
  test(`expand: ${name}`, () => {
    const { value, findings } = expand({ a: [text] }, { env, folder });

    if (want === REFUSED) assert.deepEqual(findings[0]?.at, ["a", 0]);
    else assert.deepEqual({ value, findings }, { value: { a: [want] }, findings: [] });
  });
}

test("expand: keys, functions, dates and class instances stay as they are", () => {
  class Own {
    readonly text = "${HOST}";
  }
  const given = { "${HOST}": 1, run: () => "${HOST}", at: new Date(0), own: new Own() };

  const { value } = expand(given, { env, folder });

  assert.deepEqual(value, given);
});

test("expand: an object that contains itself is one problem", () => {
  const loop: Record<string, unknown> = { host: "${HOST}" };
  loop["self"] = loop;
  loop["more"] = [loop, loop];

  const { findings } = expand(loop, { env, folder });

  assert.equal(findings.length, 1);
  assert.match(findings[0]!.message, /must not contain itself/);
});

test("expand: a key that would set a prototype is a problem", () => {
  const { value, findings } = expand(JSON.parse('{ "a": { "__proto__": { "b": 1 } } }'), {
    env,
    folder,
  });

  assert.deepEqual(value, { a: {} });
  assert.deepEqual(findings[0]?.at, ["a"]);
});
