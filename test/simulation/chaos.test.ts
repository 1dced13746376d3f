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
import { chaosSeeds, onlySeed } from "../support/chaos/chaos-seeds.ts";

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

const counts =
  onlySeed === undefined ? chaosSeeds(1, 101) : chaosSeeds(Number(onlySeed), Number(onlySeed) + 1);

test("chaos: one seed is one run", async () => {
  const [once, again, other] = [
    await runChaos(chaosPlan(7)),
    await runChaos(chaosPlan(7)),
    await runChaos(chaosPlan(8)),
  ];

  assert.equal(once.fingerprint, again.fingerprint);
  assert.notEqual(once.fingerprint, other.fingerprint);
});

test("chaos: the seeds see every kind of thing", { skip: onlySeed !== undefined }, () => {
  const missing = SEEN.filter((what) => !counts.has(what));

  assert.deepEqual(missing, []);
});
