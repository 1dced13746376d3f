/**
 * How long substitute takes over a megabyte, in reads of 64 KiB.
 *
 *     node src/features/substitute/substitute.bench.ts
 */
import type { Onward } from "../../core/body-stage.ts";
import { rulesOf } from "./finder.ts";
import { Substituting } from "./substituting.ts";

const ROUNDS = 7;
const READ_BYTES = 64 * 1024;
const TIMES = 64;

const NOWHERE: Onward = {
  holdsBytes: false,
  write: () => true,
  flush: () => {},
  end: () => {},
  more: () => {},
  fail: () => {},
};

function measured(name: string, finds: readonly string[], text: string): void {
  const bytes = Buffer.from(text.repeat(Math.ceil(READ_BYTES / text.length)).slice(0, READ_BYTES));
  const rules = rulesOf(finds.map((find) => ({ find, with: "https://a.test", once: false })));
  const rounds = Array.from({ length: ROUNDS }, () => {
    const stage = new Substituting(NOWHERE, rules);
    const beganMs = performance.now();
    for (let time = 0; time < TIMES; time++) stage.write(bytes);
    stage.end(undefined);
    return ((performance.now() - beganMs) * 2 ** 20) / (TIMES * READ_BYTES);
  });
  console.log(`${name}: ${rounds.sort((a, b) => a - b)[ROUNDS >> 1]!.toFixed(2)} ms per MiB`);
}

const PAGE = "<div class=item><a href='http://old.test/item/4711'>An item of the list</a></div>\n";
measured("one that is not there", ["http://none.test"], PAGE);
measured("one in each line", ["http://old.test"], PAGE);
measured(
  "eight, one in each line",
  ["http://old.test", ..."1234567".split("").map((each) => `http://${each}.test`)],
  PAGE,
);
measured("as bad as it gets", [`b${"a".repeat(255)}`, `${"a".repeat(255)}b`], "a");
measured("each byte", ["a"], "a");
