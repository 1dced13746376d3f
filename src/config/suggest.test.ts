import assert from "node:assert/strict";
import { test } from "node:test";
import { didYouMean } from "./suggest.ts";

test("didYouMean: names the nearest word, or says nothing", () => {
  assert.equal(didYouMean("froward", ["forward", "redirect"]), "; did you mean forward?");
  assert.equal(didYouMean("something", ["forward", "redirect"]), "");
});
