import assert from "node:assert/strict";
import { test } from "node:test";
import { memoryShare } from "./memory-share.ts";

test("memoryShare: some of it, and not all", () => {
  const share = memoryShare();

  assert.ok(share > 0 && share < 1, `${share}`);
});
