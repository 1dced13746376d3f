import assert from "node:assert/strict";
import { test } from "node:test";
import { runInNewContext } from "node:vm";
import fc from "fast-check";
import { toolsOf } from "../../../test/support/build-tools.ts";
import { exchangeOf, requestOf } from "../../../test/support/exchange-of.ts";
import { SimWorker } from "../../../test/support/sim-worker.ts";
import { SimWorld } from "../../../test/support/sim-world.ts";
import type { Reply } from "../../core/filter.ts";
import { challenge } from "./challenge.ts";
import { WORKER_TEXT } from "./page.ts";
import { isSolved, Puzzles } from "./puzzle.ts";

const HTML = { accept: "text/html,application/xhtml+xml" };
const BITS = 8;

/** As a browser's thread would: the very text of the page. */
function solved(puzzle: string, bits: number): string {
  let pass = "";
  const scope: Record<string, unknown> = { postMessage: (answer: string) => (pass = answer) };
  runInNewContext(
    `${WORKER_TEXT};onmessage({data:[puzzle,bits]})`,
    Object.assign(scope, { puzzle, bits, Math }),
  );
  return pass;
}

function stage(options: object = {}) {
  const world = new SimWorld();
  const tools = toolsOf(new SimWorker(world));
  const filter = challenge.build(challenge.schema.parse({ difficulty: BITS, ...options }), tools);
  const ask = (headers: Record<string, string> = HTML, clientIp = "192.0.2.7", line = "GET /x") => {
    const exchange = exchangeOf({ request: requestOf(line, headers), clientIp });
    return { exchange, reply: filter.admit!(exchange) as Reply | undefined };
  };
  const puzzleOf = (reply: Reply | undefined) =>
    /postMessage\(\['([^']+)',(\d+)\]/.exec(String(reply?.body))!;
  const pass = (clientIp?: string) => {
    const [, puzzle, bits] = puzzleOf(ask(HTML, clientIp).reply);
    return solved(puzzle!, Number(bits));
  };
  const withPass = (value: string, more: Record<string, string> = {}) => ({
    ...HTML,
    ...more,
    cookie: `a=1; sluice_pass=${value}; b=2`,
  });
  return { world, ask, pass, withPass, puzzleOf };
}

// biome-ignore format: a table
const asked: [name: string, headers: Record<string, string>, line: string, isPage: boolean][] = [
  ["a browser that wants a page",    HTML,                                       "GET /",        true],
  ["the same, with fetch metadata",  { ...HTML, "sec-fetch-mode": "navigate" },  "GET /",        true],
  ["a script of a page",             { ...HTML, "sec-fetch-mode": "cors" },      "GET /",        false],
  ["a client of an API",             { accept: "application/json" },             "GET /",        false],
  ["anything",                       { accept: "*/*" },                          "GET /",        false],
  ["nobody says what",               {},                                         "GET /",        false],
  ["a form",                         HTML,                                       "POST /",       false],
];

for (const [name, headers, line, isPage] of asked) {
  test(`challenge: ${name} gets ${isPage ? "the page" : "a code"}`, () => {
    const { exchange, reply } = stage().ask(headers, undefined, line);

    assert.equal(reply?.status, 403);
    assert.equal(exchange.fault?.code, "challenge_required");
    assert.equal(reply?.headers?.["cache-control"], "no-store");
    assert.equal(String(reply?.body).includes("<script"), isPage);
  });
}

test("challenge: an answer lets its client pass, and the upstream never sees it", () => {
  const { ask, pass, withPass } = stage();
  const value = pass();

  for (let again = 0; again < 3; again++) {
    const { exchange, reply } = ask(withPass(value));
    assert.equal(reply, undefined);
    assert.equal(exchange.request.headers.get("cookie"), "a=1; b=2");
  }
  assert.equal(ask(withPass(value, { accept: "application/json" })).reply, undefined);
});

test("challenge: an answer is nobody else's, and nobody else's host's (replay)", () => {
  const { ask, pass, withPass } = stage();
  const value = pass();

  assert.equal(ask(withPass(value), "192.0.2.8").reply?.status, 403);
  assert.equal(ask(withPass(value), "192.0.2.7", "GET http://b.test/").reply?.status, 403);
  assert.equal(ask(withPass(value)).reply, undefined);
});

test("challenge: an IPv6 client may change its address within its network", () => {
  const { ask, pass, withPass } = stage();
  const value = pass("2001:db8::1");

  assert.equal(ask(withPass(value), "2001:db8::2").reply, undefined);
  assert.equal(ask(withPass(value), "2001:db8:0:1::1").reply?.status, 403);
});

test("challenge: an answer ends, from when its puzzle was made on (precomputation)", async () => {
  const { world, ask, pass, withPass } = stage({ ttl: "10m" });
  const value = pass();
  await world.clock.advance(599_000);
  assert.equal(ask(withPass(value)).reply, undefined);

  await world.clock.advance(2_000);

  assert.equal(ask(withPass(value)).reply?.status, 403);
});

test("challenge: an answer that was changed anywhere is none", () => {
  const { ask, pass, withPass } = stage();
  const value = pass();

  for (let at = 0; at < value.lastIndexOf("."); at++) {
    const letter = value[at] === "0" ? "1" : "0";
    const changed = value.slice(0, at) + letter + value.slice(at + 1);
    // The last letter of the seal has bits that say nothing.
    const isSame = at === value.lastIndexOf(".") - 1;
    if (!isSame) assert.equal(ask(withPass(changed)).reply?.status, 403, `at ${at}`);
  }
});

test("challenge: easier work than is asked for is not enough, and none is none", () => {
  const puzzles = new Puzzles(Buffer.alloc(32, 1));
  const whom = { client: "192.0.2.7", host: "a.test" };
  const rules = { wallMs: 1e12, bitsMin: 10, ttlMs: 1_000 };
  const puzzle = puzzles.make(10, whom, 1e12);
  const easy = puzzles.make(9, whom, 1e12);
  const good = solved(puzzle, 10);
  let bad = 0;
  while (isSolved(`${puzzle}.${bad.toString(36)}`, 10)) bad++;

  assert.ok(puzzles.passEnd(good, whom, rules) > 0);
  assert.equal(puzzles.passEnd(`${puzzle}.${bad.toString(36)}`, whom, rules), 0);
  assert.equal(puzzles.passEnd(solved(easy, 20), whom, rules), 0);
  assert.equal(new Puzzles(Buffer.alloc(32, 2)).passEnd(good, whom, rules), 0);
});

test("challenge: whatever is sent for a pass is refused, and throws nothing", () => {
  const puzzles = new Puzzles(Buffer.alloc(32, 1));
  const whom = { client: "192.0.2.7", host: "a.test" };
  const rules = { wallMs: 1e12, bitsMin: 1, ttlMs: 1_000 };
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.stringMatching(/^[\w.-]{0,120}$/)), (text) => {
      assert.equal(puzzles.passEnd(text, whom, rules), 0);
    }),
  );
});

test("challenge: who is allowed is never asked", () => {
  const { ask } = stage({ allow: ["192.0.2.0/28"] });

  assert.equal(ask(HTML, "192.0.2.7").reply, undefined);
  assert.equal(ask(HTML, "192.0.2.99").reply?.status, 403);
});

test("challenge: with above, only who comes too often is asked", async () => {
  const { world, ask, pass, withPass } = stage({ above: "5/10s" });
  const statuses = Array.from({ length: 7 }, () => ask().reply?.status ?? 200);

  assert.deepEqual(statuses, [200, 200, 200, 200, 200, 403, 403]);
  assert.equal(ask(HTML, "192.0.2.9").reply, undefined);
  assert.equal(ask(withPass(pass())).reply, undefined);
  await world.clock.advance(10_000);
  assert.equal(ask().reply, undefined);
});

test("challenge: mode warn asks nobody", () => {
  const { exchange, reply } = stage({ mode: "warn" }).ask();

  assert.equal(reply, undefined);
  assert.deepEqual(exchange.warned, ["challenge_required"]);
});

test("challenge: the page allows nothing but its own script, and works without a word from elsewhere", () => {
  const { reply } = stage().ask();
  const body = String(reply?.body);
  const nonce = /script nonce="([\w-]+)"/.exec(body)![1];

  assert.match(
    reply!.headers!["content-security-policy"]!,
    new RegExp(`^default-src 'none'; script-src 'nonce-${nonce}';`),
  );
  assert.match(body, /<noscript>/);
  assert.doesNotMatch(body, /https?:\/\//);
});

for (const options of [
  { difficulty: 40 },
  { difficulty: { min: 12, max: 10 } },
  { ttl: "0s" },
  { allow: ["x"] },
  { secret: "short" },
  { above: 5 },
  { hard: 1 },
  "on",
]) {
  test(`challenge: ${JSON.stringify(options)} is refused`, () => {
    assert.equal(challenge.schema.safeParse(options).success, false);
  });
}
