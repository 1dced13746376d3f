import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { HeaderList } from "../../protocol/http/header-list.ts";
import { packable, packedBytes, packedEnd, packLines, unpackLines } from "./packed-lines.ts";

function throughABlock(lines: string): HeaderList {
  const list = packable(lines)!;
  const bytes = Buffer.alloc(packedBytes(list) + 20, 0xff);
  const end = packLines(list, bytes, 7);
  const count = list.offsets.length / 5;
  assert.equal(end, 7 + packedBytes(list));
  assert.equal(packedEnd(7, count, list.linesEnd), end);
  return unpackLines(bytes, 7, count, list.linesEnd);
}

function fieldsOf(list: HeaderList): string[][] {
  const fields: string[][] = [];
  list.each((name, value) => fields.push([name, value]));
  return fields;
}

for (const lines of ["", "A: b\r\n", 'A:\r\nB:  c \t\r\nETag:"x"\r\n', "X: \xe4\r\nAge: 3\r\n"]) {
  test(`packed lines: ${JSON.stringify(lines)} comes back field by field`, () => {
    const before = HeaderList.ofLines(lines);

    const after = throughABlock(lines);

    assert.deepEqual(fieldsOf(after), fieldsOf(before));
    assert.deepEqual(after.offsets, HeaderList.ofLines(after.text).offsets);
  });
}

test("packed lines: any fields come back", () => {
  const name = fc.stringMatching(/^[A-Za-z-]{1,40}$/);
  const value = fc.stringMatching(/^([!-~]([ -~]{0,60}[!-~])?)?$/);
  const space = fc.stringMatching(/^[ \t]{0,3}$/);
  fc.assert(
    fc.property(fc.array(fc.tuple(name, space, value, space), { maxLength: 20 }), (fields) => {
      const lines = fields.map(([n, s, v, e]) => `${n}:${s}${v}${e}\r\n`).join("");

      const after = throughABlock(lines);

      assert.deepEqual(
        fieldsOf(after),
        fields.map(([n, , v]) => [n, v]),
      );
    }),
  );
});

test("packed lines: a name of 255 bytes and 65,535 bytes of lines are the most", () => {
  assert.ok(packable(`${"n".repeat(255)}: v\r\n`) !== undefined);
  assert.equal(packable(`${"n".repeat(256)}: v\r\n`), undefined);
  assert.ok(packable(`n: ${"v".repeat(65_530)}\r\n`) !== undefined);
  assert.equal(packable(`n: ${"v".repeat(65_531)}\r\n`), undefined);
  assert.equal(packable(`n:${"v".repeat(65_531)}\r\n`), undefined, "it grows by what is put in");
});
