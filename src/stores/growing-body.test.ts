import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { GrowingBody } from "./growing-body.ts";

function readFrom(body: GrowingBody, from: number): string {
  let text = "";
  for (let at = from; at < body.length; ) {
    const bytes = body.at(at)!;
    text += bytes.toString("latin1");
    at += bytes.length;
  }
  return text;
}

test("GrowingBody: reads the same from every position, however it came", () => {
  const sizes = fc.array(fc.nat({ max: 100_000 }), { maxLength: 8 });
  fc.assert(
    fc.property(sizes, fc.boolean(), fc.nat(), (parts, isKnown, seed) => {
      const whole = parts
        .map((size, index) => String.fromCharCode(97 + index).repeat(size))
        .join("");
      const body = new GrowingBody();
      let left = whole.length;
      for (const [index, size] of parts.entries()) {
        body.append(
          Buffer.from(String.fromCharCode(97 + index).repeat(size)),
          isKnown ? left : undefined,
        );
        left -= size;
      }
      const from = whole.length === 0 ? 0 : seed % whole.length;
      assert.equal(readFrom(body, from), whole.slice(from));
      assert.equal(Buffer.concat(body.chunks()).toString("latin1"), whole);
      assert.equal(body.at(whole.length), undefined);
    }),
    { numRuns: 60 },
  );
});

test("GrowingBody: what is let go of is gone, and the rest reads on", () => {
  const body = new GrowingBody();
  for (let count = 0; count < 10; count++) body.append(Buffer.alloc(64 * 1024, `${count}`));

  body.letGo(5 * 64 * 1024 + 10);

  assert.equal(body.isWhole, false);
  assert.ok(body.heldBytes <= 6 * 64 * 1024, `${body.heldBytes}`);
  assert.equal(body.at(0), undefined);
  assert.equal(readFrom(body, 6 * 64 * 1024)[0], "6");
});

test("GrowingBody: chunks to keep have no slack worth speaking of", () => {
  const body = new GrowingBody();
  body.append(Buffer.from("x".repeat(5_000)));

  const held = body.chunks().reduce((sum, { buffer }) => sum + buffer.byteLength, 0);

  assert.ok(held < 6_000, `${held}`);
});
