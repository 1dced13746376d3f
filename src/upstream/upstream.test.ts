import assert from "node:assert/strict";
import { test } from "node:test";
import { SimClock } from "../../test/support/sim-clock.ts";
import { SeededRandom } from "../base/seeded-random.ts";
import { LoneMachine } from "../core/machine.ts";
import { KeyedState } from "../core/shared-state.ts";
import type { StateDraft } from "../core/state.ts";
import type { Claim, Endpoint, Health, Outcome } from "../core/upstream.ts";
import { BALANCERS } from "./balancers/named.ts";
import { type EndpointOptions, endpointName } from "./endpoint.ts";
import { createUpstream, type UpstreamOptions } from "./upstream.ts";

const log = { info() {}, warn() {} };
const NONE: readonly Endpoint[] = [];

/** a, b, c … in the order given. */
function ep(name: string, more: Partial<EndpointOptions> = {}): EndpointOptions {
  return { address: { host: name, port: 80 }, ...more };
}

function toolsFor(draft: StateDraft) {
  const world = { random: new SeededRandom(1), clock: new SimClock() };
  return { world, keep: draft.keep.bind(draft), machine: new LoneMachine() };
}

function upstreamOf(endpoints: EndpointOptions[], options: Partial<UpstreamOptions> = {}) {
  const tools = toolsFor(new KeyedState(log).draft());
  const upstream = createUpstream({ name: "app", endpoints, ...options }, tools);
  const named = (name: string) => upstream.endpoints.find(({ address }) => address.host === name)!;
  const claim = (...tried: string[]) =>
    upstream.claim({ hashKey: undefined, tried: tried.map(named) });
  return { upstream, named, claim };
}

/** Everyone who is ever picked, with the healths, weights and roles of a row. */
type Row = [
  name: string,
  endpoints: [options: EndpointOptions, condition: Health | "draining"][],
  tried: string,
  want: string,
];

const backup = { backup: true };
const light = { weight: 0 };

// biome-ignore format: a table
const rows: Row[] = [
  ["all up",                              [[ep("a"), "up"], [ep("b"), "up"]],                              "",   "ab"],
  ["an unknown one may be used",          [[ep("a"), "unknown"], [ep("b"), "up"]],                         "",   "ab"],
  ["one down",                            [[ep("a"), "down"], [ep("b"), "up"]],                            "",   "b"],
  ["one draining",                        [[ep("a"), "draining"], [ep("b"), "up"]],                        "",   "b"],
  ["all down",                            [[ep("a"), "down"], [ep("b"), "draining"]],                      "",   ""],
  ["one tried",                           [[ep("a"), "up"], [ep("b"), "up"]],                              "a",  "b"],
  ["all tried",                           [[ep("a"), "up"], [ep("b"), "up"]],                              "ab", ""],
  ["a backup stands by",                  [[ep("a"), "up"], [ep("b", backup), "up"]],                      "",   "a"],
  ["a backup steps in for those down",    [[ep("a"), "down"], [ep("b", backup), "up"]],                    "",   "b"],
  ["a backup steps in for those tried",   [[ep("a"), "up"], [ep("b", backup), "up"]],                      "a",  "b"],
  ["a backup that is down as well",       [[ep("a"), "down"], [ep("b", backup), "down"]],                  "",   ""],
  ["weight 0 beside another",             [[ep("a", light), "up"], [ep("b"), "up"]],                       "",   "b"],
  ["weight 0 after a backup",             [[ep("a", light), "up"], [ep("b", backup), "up"]],               "",   "b"],
  ["weight 0 when nobody else is there",  [[ep("a", light), "up"], [ep("b"), "down"]],                     "",   "a"],
  ["weight 0 alone",                      [[ep("a", light), "up"]],                                        "",   "a"],
  ["no endpoint at all",                  [],                                                              "",   ""],
];

for (const [name, endpoints, tried, want] of rows) {
  for (const [balance, factory] of Object.entries(BALANCERS)) {
    test(`Upstream, ${balance}: ${name}`, () => {
      const { upstream, named, claim } = upstreamOf(
        endpoints.map(([options]) => options),
        { balance: factory },
      );
      for (const [{ address }, condition] of endpoints) {
        const { state } = named(address.host);
        if (condition === "draining") state.isDraining = true;
        else state.health = condition;
      }

      const picked = new Set<string>();
      for (let draw = 0; draw < 200; draw++) {
        const won = claim(...tried);
        if (won !== undefined) picked.add(won.endpoint.address.host);
        won?.release("served");
      }

      const expected = balance === "first" ? want.slice(0, 1) : want;
      assert.equal([...picked].sort().join(""), expected);
      if (tried === "") {
        const usable = upstream.describe().filter((each) => each.usable);
        assert.equal(usable.map(({ endpoint }) => endpoint.address.host).join(""), want);
        assert.equal(upstream.describe().length, endpoints.length);
      }
    });
  }
}

test("Upstream: a claim counts until it is released, once", () => {
  const { named, claim } = upstreamOf([ep("a")]);
  const [first, other] = [claim() as Claim, claim() as Claim];
  assert.equal(named("a").state.active, 2);

  first.release("served");
  assert.throws(() => first.release("served"), /released twice/);

  assert.equal(named("a").state.active, 1);
  other.release("failed");
  assert.equal(named("a").state.active, 0);
});

test("Upstream: whoever cares is told how each claim ended", () => {
  const told: string[] = [];
  const watch = {
    answered: () => false,
    released: ({ name }: Endpoint, outcome: Outcome) => void told.push(`${name} ${outcome}`),
  };
  const { claim } = upstreamOf([ep("a")], { watch });

  for (const outcome of ["served", "failed", "abandoned"] as const) claim()?.release(outcome);

  assert.deepEqual(told, ["a:80 served", "a:80 failed", "a:80 abandoned"]);
});

test("Upstream: an answer that counted as a failure is neither a success nor a second failure", () => {
  const told: Outcome[] = [];
  const watch = {
    answered: (_endpoint: Endpoint, status: number) => status === 503,
    released: (_endpoint: Endpoint, outcome: Outcome) => void told.push(outcome),
  };
  const { claim } = upstreamOf([ep("a")], { watch });

  for (const outcome of ["served", "failed"] as const) {
    const taken = claim();
    taken?.answered(503, 1);
    taken?.release(outcome);
  }

  assert.deepEqual(told, ["abandoned", "abandoned"]);
});

test("Upstream: an endpoint that goes down is picked no more from the next claim on", () => {
  const { named, claim } = upstreamOf([ep("a"), ep("b")], { balance: BALANCERS.first });

  assert.equal(claim()?.endpoint, named("a"));
  named("a").state.health = "down";
  assert.equal(claim()?.endpoint, named("b"));
  named("a").state.health = "up";
  assert.equal(claim()?.endpoint, named("a"));
});

test("Upstream: a reload keeps what is known of an address, and forgets those that left", () => {
  const state = new KeyedState(log);
  const build = (...hosts: string[]) => {
    const draft = state.draft();
    const tools = toolsFor(draft);
    const endpoints = hosts.map((host) => ep(host, { weight: hosts.length }));
    const upstream = createUpstream({ name: "app", endpoints }, tools);
    draft.commit();
    return upstream;
  };

  const before = build("a", "b");
  before.endpoints[0]!.state.health = "down";
  const held = before.claim({ hashKey: undefined, tried: NONE })!;
  const after = build("b", "a", "c");

  const stateOf = (host: string) =>
    after.endpoints.find((each) => each.address.host === host)!.state;
  assert.equal(stateOf("a").health, "down");
  assert.equal(stateOf("b").active, 1);
  held.release("served");
  assert.equal(stateOf("b").active, 0, "a claim of the old runtime counts down in the new one");
  build("c");
  assert.equal(build("a").endpoints[0]!.state.health, "unknown");
});

test("Upstream: the retry budget follows the claims, of older runtimes too", () => {
  const { upstream, claim } = upstreamOf([ep("a")], {
    retryBudget: { percent: 20, minConcurrent: 1 },
  });
  const claims = Array.from({ length: 15 }, () => claim()!);

  const takes = Array.from({ length: 4 }, () => upstream.retryBudget.take());
  for (const each of claims.slice(5)) each.release("served");
  for (let given = 0; given < 3; given++) upstream.retryBudget.giveBack();

  assert.deepEqual(takes, [true, true, true, false]); // 20 % of 15
  assert.deepEqual(
    Array.from({ length: 2 }, () => upstream.retryBudget.take()),
    [true, false], // 20 % of 5
  );
});

test("Upstream: a weight that is none is a bug, the config's check comes before", () => {
  for (const weight of [-1, 1.5, Number.NaN, 65_536]) {
    assert.throws(() => upstreamOf([ep("a", { weight })]), RangeError);
  }
});

// biome-ignore format: a table
const names: [host: string, port: number, want: string][] = [
  ["10.0.0.1",      3000, "10.0.0.1:3000"],
  ["app.internal",  80,   "app.internal:80"],
  ["2001:db8::1",   80,   "[2001:db8::1]:80"],
  ["/run/app.sock", 0,    "unix:/run/app.sock"],
];

for (const [host, port, want] of names) {
  test(`endpointName: ${want}`, () => assert.equal(endpointName({ host, port }), want));
}
