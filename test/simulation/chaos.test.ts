/**
 * The whole proxy under seeded chaos: clients, origins and a network that misbehave in every way
 * there is, and reloads in the middle of it. test/support/chaos/ says what is held against it.
 *
 *     npm run chaos -- --seeds 5000          more of them
 *     SEED=1234 node --test test/simulation/chaos.test.ts
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { chaosPlan } from "../support/chaos/chaos-plan.ts";
import { runChaos } from "../support/chaos/chaos-run.ts";

const SEEDS = 200;
const PARTS = 4; // so that a failure says more than one line, and no test is long

const only = process.env["SEED"];
const seeds =
  only === undefined ? Array.from({ length: SEEDS }, (_, place) => place + 1) : [Number(only)];

// What a change of the plans must not lose by and by.
const SEEN = [
  ...["answered 101", "answered 200", "answered 204", "answered 304", "answered 503"],
  ...["got 100", "got 103", "socket echoed", "asked again", "cut", "unanswered"],
  ...["refuse", "open", "crash", "blackhole", "answer", "reload", "jump"],
  ...["connect_refused", "connect_timeout", "reset_before_head", "response_timeout"].map(
    (code) => `fault ${code}`,
  ),
  ...["response_malformed", "response_framing", "response_truncated", "response_upgrade"].map(
    (code) => `fault ${code}`,
  ),
  ...["request_malformed", "request_truncated", "request_body_timeout", "no_route"].map(
    (code) => `fault ${code}`,
  ),
];

const counts = new Map<string, number>();

for (let part = 0; part < PARTS; part++) {
  const own = seeds.filter((_, place) => place % PARTS === part);
  if (own.length === 0) continue;
  test(`chaos: seeds ${own[0]}, ${own[1] ?? "and no other"} … leave nothing behind`, async () => {
    for (const seed of own) {
      const run = await runChaos(chaosPlan(seed));

      assert.deepEqual(run.complaints, [], `replay: npm run chaos -- ${seed}`);
      for (const [what, count] of run.counts) counts.set(what, (counts.get(what) ?? 0) + count);
    }
  });
}

test("chaos: one seed is one run", async () => {
  const [once, again, other] = [
    await runChaos(chaosPlan(7)),
    await runChaos(chaosPlan(7)),
    await runChaos(chaosPlan(8)),
  ];

  assert.equal(once.fingerprint, again.fingerprint);
  assert.notEqual(once.fingerprint, other.fingerprint);
});

test("chaos: the seeds see every kind of thing", { skip: only !== undefined }, () => {
  const missing = SEEN.filter((what) => !counts.has(what));

  assert.deepEqual(missing, []);
});
