/** The pages that follow from the code say what the code does. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { LIMITS, RATES, TIMEOUTS } from "../../src/core/limits.ts";
import { configReference } from "./config-page.ts";
import { numbersPage } from "./numbers-page.ts";

test("configReference: a row for every key, and none for what is not supported yet", () => {
  const reference = configReference();

  assert.match(reference, /^# Config reference\n/);
  assert.match(reference, /^\| `timeouts\.requestHead` \| duration \| .*Default: 15s\. \|$/m);
  assert.match(reference, /^\| `limits\.bodyBytes` \| `off` or size \|/m);
  assert.match(reference, /^\| `sites\[\]\.routes\[\]\.forward` \| text or map \|/m);
  assert.match(reference, /^\| `sites\[\]\.timeouts` \| map \| .* As `timeouts`\. \|$/m);
  assert.doesNotMatch(reference, /`tests`|Not supported yet/);
});

test("numbersPage: a row for every number, with its default and its levels", () => {
  const page = numbersPage();

  for (const name of [...Object.keys(LIMITS), ...Object.keys(TIMEOUTS)]) {
    assert.match(page, new RegExp(`^\\| \`(limits|timeouts)\\.${name}\` \\|`, "m"));
  }
  assert.equal(page.match(/^\| `rates\./gm)?.length, Object.keys(RATES).length);
  assert.match(page, /^\| `timeouts\.drain` \| 30s \| top \|/m);
  assert.match(page, /^\| `timeouts\.keepAlive` \| 75s \| top, listener \|/m);
  assert.match(page, /^\| `timeouts\.connect` \| 3s \| top to route, upstream \|/m);
  assert.doesNotMatch(page, /undefined|NaN/);
});
