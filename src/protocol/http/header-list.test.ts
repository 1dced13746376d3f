import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { FieldLine } from "../../../test/support/message.ts";
import { fieldsOf, parseHead } from "../../../test/support/parse.ts";
import { lines } from "../../../test/support/sample.ts";
import { headerIdOfText, idOf } from "./header-id.ts";
import { dropTable, HeaderList, isFieldName, isFieldValue } from "./header-list.ts";

const KEEP_ALL = dropTable([]);

function received(fields: readonly FieldLine[], startLine = "GET / HTTP/1.1"): HeaderList {
  const text = `${startLine}\r\n${lines(fields)}\r\n`;
  const { answer, parser } = parseHead(text, [text.length]);
  assert.equal(answer, text.length);
  return parser.headers(text);
}

/** What a header list promises, in the plainest code there is. */
class PlainList {
  fields: FieldLine[];

  constructor(fields: readonly FieldLine[]) {
    this.fields = [...fields];
  }

  all(name: string): string[] {
    return this.fields.filter(([each]) => isSame(each, name)).map(([, value]) => value);
  }

  delete(name: string): void {
    this.fields = this.fields.filter(([each]) => !isSame(each, name));
  }

  add(name: string, value: string): void {
    this.fields.push([name, value]);
  }

  lines(dropped: readonly string[]): string {
    return lines(this.fields.filter(([name]) => !dropped.some((each) => isSame(each, name))));
  }
}

const isSame = (left: string, right: string) => left.toLowerCase() === right.toLowerCase();

// biome-ignore format: a table
const names = fc.constantFrom(
  "Host", "HOST", "host", "Via", "via", "X-A", "x-a", "X-Ab", "X-B", "Cookie", "Content-Length", "X-Forwarded-For", "x_a",
);
const values = fc.constantFrom("", "1", "a b", "\xe4", "x".repeat(40), "a: b");
const edit = fc.oneof(
  fc.record({ kind: fc.constant("delete" as const), name: names }),
  fc.record({ kind: fc.constant("set" as const), name: names, value: values }),
  fc.record({ kind: fc.constant("add" as const), name: names, value: values }),
);

test("HeaderList: any edits in any order come out as in a plain list", () => {
  const property = fc.property(
    fc.array(fc.tuple(names, values), { maxLength: 8 }),
    fc.array(edit, { maxLength: 8 }),
    fc.subarray(["Host", "Via", "Cookie", "X-Forwarded-For", "Content-Length"] as const),
    (fields, edits, dropped) => {
      const list = received(fields);
      const plain = new PlainList(fields);
      for (const each of edits) {
        if (each.kind === "delete") list.delete(each.name);
        else list[each.kind](each.name, each.value);
        if (each.kind !== "add") plain.delete(each.name);
        if (each.kind !== "delete") plain.add(each.name, each.value);
      }

      assert.deepEqual(fieldsOf(list), plain.fields);
      for (const name of ["host", "VIA", "X-A", "x-ab", "x_a", "Cookie", "absent"]) {
        const wanted = plain.all(name);
        assert.deepEqual(list.all(name), wanted);
        assert.equal(list.get(name), wanted[0]);
        assert.equal(list.has(name), wanted.length > 0);
        const id = headerIdOfText(name);
        if (id !== 0) assert.equal(list.first(id), wanted[0]);
      }
      const drop = dropTable(dropped.map((name) => headerIdOfText(name)));
      assert.equal(list.lines(drop), plain.lines(dropped));
      assert.equal(list.lines(KEEP_ALL), plain.lines([]));
    },
  );
  fc.assert(property, { numRuns: 2_000, seed: 7 });
});

test("HeaderList: lines that nobody touched go on as they came, byte for byte", () => {
  const text = "GET / HTTP/1.1\r\nhOsT:\ta \r\nX:1\r\nCookie:  b\r\nY :";
  const head = `${text.slice(0, -3)}Y:  \r\n\r\n`;
  const { parser } = parseHead(head, [head.length]);

  const list = parser.headers(head);

  assert.equal(list.lines(KEEP_ALL), "hOsT:\ta \r\nX:1\r\nCookie:  b\r\nY:  \r\n");
  assert.equal(list.lines(dropTable([idOf("cookie")])), "hOsT:\ta \r\nX:1\r\nY:  \r\n");
});

test("HeaderList.of: pairs in their order", () => {
  const list = HeaderList.of({ "X-A": "1", "x-b": "2" });

  assert.equal(list.lines(KEEP_ALL), "X-A: 1\r\nx-b: 2\r\n");
});

// biome-ignore format: a table
const refused: [name: string, value: string][] = [
  ["X-A", "a\r\nX-B: c"], ["X-A", "a\n"], ["X-A", "\r"], ["X-A", "a\0b"], ["X-A", "\x7f"], ["X-A", "\x1b[2J"], ["X-A", "\u0100"], ["X-A", "\u{1f600}"],
  ["", "a"], ["X A", "a"], ["X-A:", "a"], ["X-A\r\nX-B", "a"], ["X\xfc", "a"], ["X(", "a"],
];

for (const [name, value] of refused) {
  test(`HeaderList: add and set refuse ${JSON.stringify(`${name}: ${value}`)} (P2)`, () => {
    const list = received([["Host", "a.test"]]);

    assert.throws(() => list.add(name, value), TypeError);
    assert.throws(() => list.set(name, value), TypeError);
    assert.deepEqual(fieldsOf(list), [["Host", "a.test"]]);
  });
}

test("HeaderList: set that is refused leaves the field it would have replaced", () => {
  const list = received([["X-A", "1"]]);

  assert.throws(() => list.set("X-A", "a\r\nb"), TypeError);

  assert.equal(list.get("x-a"), "1");
});

test("isFieldName and isFieldValue: each byte on its own", () => {
  for (let code = 0; code < 256; code++) {
    const letter = String.fromCharCode(code);
    const isToken = /[!#$%&'*+\-.^_`|~0-9A-Za-z]/.test(letter);
    const isText = code === 9 || (code >= 32 && code !== 127);
    assert.equal(isFieldName(letter), isToken, `name ${code}`);
    assert.equal(isFieldValue(`a${letter}b`), isText, `value ${code}`);
  }
});

test("HeaderList.ofLines: reads back what lines() writes, and a copy has a life of its own", () => {
  const list = HeaderList.of({ "X-A": "1", "Content-Type": "a/b" });
  list.add("x-a", " 2 ");

  const read = HeaderList.ofLines(list.lines(new Uint8Array(256)));
  const copy = read.copy();
  copy.delete("x-a");
  copy.add("X-B", "3");

  assert.deepEqual(read.all("x-a"), ["1", "2"]);
  assert.equal(read.first(idOf("content-type")), "a/b");
  assert.equal(read.get("x-b"), undefined);
  assert.equal(copy.get("x-a"), undefined);
  assert.equal(copy.copy().get("x-b"), "3");
});

test("HeaderList: one made of another's text and offsets is the same", () => {
  const list = HeaderList.ofLines("X-A: 1\r\nVary: *\r\n");
  const { text, offsets } = list;

  const again = new HeaderList(text, text.length, [...offsets], offsets.length);

  assert.equal(again.lines(new Uint8Array(256)), text);
  assert.equal(again.get("vary"), "*");
});
