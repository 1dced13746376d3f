import assert from "node:assert/strict";
import { test } from "node:test";
import { HEADER_ID_COUNT, headerId, headerIdOfText, idOf, OTHER } from "./header-id.ts";

// Names that code decides by; each must have a number of its own.
const NAMES = [
  "host",
  "connection",
  "content-length",
  "transfer-encoding",
  "expect",
  "upgrade",
  "te",
  "via",
  "x-forwarded-for",
  "proxy",
  "age",
  "etag",
  "cookie",
  "set-cookie",
  "sec-websocket-accept",
  "x-method-override",
  "origin",
] as const;

const idOfBytes = (name: string): number => {
  const bytes = Buffer.from(`??${name}:?`, "latin1"); // with neighbors that it must not look at
  return headerId(bytes, 2, 2 + name.length);
};

/** Some hundred of the ways to write a name in upper and lower case. */
function* casesOf(name: string): Generator<string> {
  yield name;
  yield name.toUpperCase();
  const letters = [...name];
  for (let bits = 1; bits < 512; bits += 7) {
    yield letters
      .map((letter, index) => ((bits >> (index % 9)) & 1 ? letter.toUpperCase() : letter))
      .join("");
  }
}

test("headerId: every number has one name, of any case, as bytes and as text", () => {
  const seen = new Set<number>();
  for (const name of NAMES) {
    const id = idOf(name);
    assert.ok(id > OTHER && id < HEADER_ID_COUNT, name);
    assert.ok(!seen.has(id), name);
    seen.add(id);
    for (const each of casesOf(name)) {
      assert.equal(idOfBytes(each), id, each);
      assert.equal(headerIdOfText(each), id, each);
    }
  }
});

test("headerId: a name that differs in one byte is another name", () => {
  for (const name of NAMES) {
    for (let place = 0; place < name.length; place++) {
      for (const letter of "_.~!x0-") {
        const other = name.slice(0, place) + letter + name.slice(place + 1);
        const want = (NAMES as readonly string[]).includes(other) ? idOf(name) : OTHER;
        assert.equal(idOfBytes(other), want, other);
        assert.equal(headerIdOfText(other), want, other);
      }
    }
  }
});

// biome-ignore format: a table
const others: string[] = [
  "x", "hos", "hostx", "xhost", "content-lengt", "content-length-", "-host", "x-forwarded", "x-forwarded-forx",
  "content_length", "transfer.encoding", "h\x4fst\x7f", "c\x6f\x6fkie~", "ho\x13t", "\x08ost",
];

for (const name of others) {
  test(`headerId: ${JSON.stringify(name)} has no number`, () => {
    assert.equal(idOfBytes(name), OTHER);
    assert.equal(headerIdOfText(name), OTHER);
  });
}
