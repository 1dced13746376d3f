// One suite for every balancer; what holds for one alone is below, by name.
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { endpointSample } from "../../../test/support/endpoint.ts";
import { SeededRandom } from "../../base/seeded-random.ts";
import type { BalancerFactory, Endpoint, Need } from "../../core/upstream.ts";
import { BALANCERS } from "./named.ts";

const NEED: Need = { hashKey: undefined, tried: [] };
const PICKS = 100_000;

function endpoint(name: string, weight = 1, active = 0): Endpoint {
  return endpointSample(name, { weight, active });
}

function endpoints(...weights: number[]): Endpoint[] {
  return weights.map((weight, place) => endpoint(String.fromCharCode(97 + place), weight));
}

/** How often each is picked; `busy` requests are in flight at any time, the oldest ends first. */
function shares(
  factory: BalancerFactory,
  all: readonly Endpoint[],
  { ready = all, busy = 0, seed = 1 } = {},
): Record<string, number> {
  const balancer = factory(all, new SeededRandom(seed));
  const counts: Record<string, number> = Object.fromEntries(all.map(({ name }) => [name, 0]));
  const flying: Endpoint[] = [];
  for (let pick = 0; pick < PICKS; pick++) {
    const picked = balancer.pick(ready, NEED)!;
    assert.ok(ready.includes(picked));
    counts[picked.name]! += 1;
    picked.state.enter();
    flying.push(picked);
    if (flying.length > busy) flying.shift()!.state.leave();
  }
  for (const name of Object.keys(counts)) counts[name]! /= PICKS;
  return counts;
}

function assertClose(got: Record<string, number>, want: readonly number[]): void {
  const shown = JSON.stringify(got);
  for (const [place, share] of Object.values(got).entries()) {
    assert.ok(Math.abs(share - want[place]!) < 0.01, `${shown}, wanted ${want}`);
  }
}

for (const [name, factory] of Object.entries(BALANCERS)) {
  test(`${name}: of nobody it picks nobody, of one that one`, () => {
    const [a, b] = endpoints(1, 0) as [Endpoint, Endpoint];
    const balancer = factory([a, b], new SeededRandom(1));

    assert.equal(balancer.pick([], NEED), undefined);
    assert.equal(balancer.pick([a], NEED), a);
    assert.equal(balancer.pick([b], NEED), b, "alone, even with no weight");
    assert.equal(factory([], new SeededRandom(1)).pick([], NEED), undefined);
  });

  test(`${name}: never picks outside the ready ones, however they change`, () => {
    fc.assert(
      fc.property(
        fc.array(fc.nat(5), { minLength: 1, maxLength: 8 }),
        fc.array(fc.array(fc.boolean(), { minLength: 8, maxLength: 8 }), { maxLength: 30 }),
        fc.nat(),
        (weights, rounds, seed) => {
          const all = endpoints(...weights);
          const balancer = factory(all, new SeededRandom(seed));
          for (const isUp of rounds) {
            const ready = all.filter((_, place) => isUp[place]);
            const picked = balancer.pick(ready, NEED);
            if (ready.length === 0) assert.equal(picked, undefined);
            else assert.ok(picked !== undefined && ready.includes(picked));
          }
        },
      ),
      { numRuns: 200 },
    );
  });
}

// biome-ignore format: a table
const weightings: [name: string, weights: number[], want: number[]][] = [
  ["equal weights",              [1, 1, 1, 1],    [0.25, 0.25, 0.25, 0.25]],
  ["equal weights above one",    [7, 7],          [0.5, 0.5]],
  ["one twice as heavy",         [1, 2],          [1 / 3, 2 / 3]],
  ["very different weights",     [1, 9, 90],      [0.01, 0.09, 0.9]],
  ["nobody with any weight",     [0, 0],          [0.5, 0.5]],
];

for (const [what, weights, want] of weightings) {
  for (const name of ["roundRobin", "random"] as const) {
    test(`${name}: ${what}: the shares follow`, () => {
      assertClose(shares(BALANCERS[name], endpoints(...weights)), want);
    });
  }
}

test("first: everything goes to the first one that is ready, whatever the weights", () => {
  const all = endpoints(1, 9, 3);

  assert.equal(shares(BALANCERS.first, all)["a"], 1);
  assert.equal(shares(BALANCERS.first, all, { ready: all.slice(1) })["b"], 1);
});

test("roundRobin: heavy ones are spread between the light ones", () => {
  const all = endpoints(5, 1, 1);
  const balancer = BALANCERS.roundRobin(all, { below: () => 0 });

  const order = Array.from({ length: 14 }, () => balancer.pick(all, NEED)!.name).join("");

  assert.equal(order, "aabacaaaabacaa");
});

test("roundRobin: one turn through the weights is exact", () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 2, maxLength: 6 }),
      (weights) => {
        const all = endpoints(...weights);
        const total = weights.reduce((sum, weight) => sum + weight, 0);
        const balancer = BALANCERS.roundRobin(all, { below: () => 0 });
        const counts = new Map(all.map((each) => [each, 0]));

        for (let pick = 1; pick <= total; pick++) {
          const picked = balancer.pick(all, NEED)!;
          counts.set(picked, counts.get(picked)! + 1);
        }

        for (const [each, count] of counts) assert.equal(count, each.weight);
      },
    ),
    { numRuns: 100 },
  );
});

test("roundRobin: proxies that start together begin at different endpoints", () => {
  const all = endpoints(1, 1, 1, 1);

  const begun = new Set<string>();
  for (let seed = 0; seed < 50; seed++) {
    begun.add(BALANCERS.roundRobin(all, new SeededRandom(seed)).pick(all, NEED)!.name);
  }

  assert.equal(begun.size, 4);
});

test("roundRobin: who comes back is not flooded with what it missed", () => {
  const all = endpoints(1, 1, 1);
  const balancer = BALANCERS.roundRobin(all, { below: () => 0 });
  for (let pick = 0; pick < 1000; pick++) balancer.pick(all.slice(1), NEED);

  const picks = Array.from({ length: 30 }, () => balancer.pick(all, NEED)!.name);

  assert.ok(picks.filter((name) => name === "a").length <= 11);
});

for (const [what, weights, want] of weightings) {
  test(`leastRequest: idle, ${what}: the shares follow`, () => {
    assertClose(shares(BALANCERS.leastRequest, endpoints(...weights)), want);
  });
}

test("leastRequest: busy, the shares lie by the weights", () => {
  const got = shares(BALANCERS.leastRequest, endpoints(1, 1, 2, 4), { busy: 200 });

  for (const [place, want] of [1 / 8, 1 / 8, 1 / 4, 1 / 2].entries()) {
    assert.ok(Math.abs(Object.values(got)[place]! - want) < 0.02, JSON.stringify(got));
  }
});

test("leastRequest: of two the less busy one wins, by its weight", () => {
  const cases: [left: Endpoint, right: Endpoint, winner: string][] = [
    [endpoint("a", 1, 5), endpoint("b", 1, 4), "b"],
    [endpoint("a", 1, 3), endpoint("b", 2, 5), "b"], // 3 against 2.5
    [endpoint("a", 1, 2), endpoint("b", 2, 5), "a"], // 2 against 2.5
    [endpoint("a", 1, 1), endpoint("b", 9, 0), "b"],
  ];
  for (const [left, right, winner] of cases) {
    const balancer = BALANCERS.leastRequest([left, right], new SeededRandom(9));
    for (let pick = 0; pick < 50; pick++) {
      assert.equal(balancer.pick([left, right], NEED)?.name, winner);
    }
  }
});

test("leastRequest: an endpoint that hangs gets next to nothing more", () => {
  const all = [endpoint("hung", 1, 1000), ...endpoints(1, 1, 1)];

  const got = shares(BALANCERS.leastRequest, all, { busy: 20 });

  assert.equal(got["hung"], 0);
});
