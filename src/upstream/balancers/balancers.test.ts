// One suite for every balancer; what holds for one alone is below, by name.
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { endpointSample } from "../../../test/support/endpoint.ts";
import { SimClock } from "../../../test/support/sim-clock.ts";
import { SeededRandom } from "../../base/seeded-random.ts";
import type { BalancerFactory, Endpoint, Need } from "../../core/upstream.ts";
import { BALANCERS } from "./named.ts";

const NEED: Need = { hashKey: undefined, tried: [] };
const PICKS = 100_000;
const clock = new SimClock();

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
  const balancer = factory(all, new SeededRandom(seed), clock);
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
    const balancer = factory([a, b], new SeededRandom(1), clock);

    assert.equal(balancer.pick([], NEED), undefined);
    assert.equal(balancer.pick([a], NEED), a);
    assert.equal(balancer.pick([b], NEED), b, "alone, even with no weight");
    assert.equal(factory([], new SeededRandom(1), clock).pick([], NEED), undefined);
  });

  test(`${name}: never picks outside the ready ones, however they change`, () => {
    fc.assert(
      fc.property(
        fc.array(fc.nat(5), { minLength: 1, maxLength: 8 }),
        fc.array(fc.array(fc.boolean(), { minLength: 8, maxLength: 8 }), { maxLength: 30 }),
        fc.nat(),
        (weights, rounds, seed) => {
          const all = endpoints(...weights);
          const balancer = factory(all, new SeededRandom(seed), clock);
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
  for (const name of ["roundRobin", "random", "leastTime"] as const) {
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
  const balancer = BALANCERS.roundRobin(all, { below: () => 0 }, clock);

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
        const balancer = BALANCERS.roundRobin(all, { below: () => 0 }, clock);
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
    begun.add(BALANCERS.roundRobin(all, new SeededRandom(seed), clock).pick(all, NEED)!.name);
  }

  assert.equal(begun.size, 4);
});

test("roundRobin: who comes back is not flooded with what it missed", () => {
  const all = endpoints(1, 1, 1);
  const balancer = BALANCERS.roundRobin(all, { below: () => 0 }, clock);
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
    const balancer = BALANCERS.leastRequest([left, right], new SeededRandom(9), clock);
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

test("leastTime: of two the one that answers sooner wins, its requests in flight counted in", () => {
  const cases: [
    leftMs: number,
    leftActive: number,
    rightMs: number,
    rightActive: number,
    winner: string,
  ][] = [
    [10, 0, 20, 0, "a"],
    [10, 2, 20, 0, "b"], // 30 against 20
    [10, 1, 21, 0, "a"],
    [0, 0, 1, 0, "a"], // nobody knows: it is tried
    [0, 1, 1_000, 0, "b"], // by one at a time
  ];
  for (const [leftMs, leftActive, rightMs, rightActive, winner] of cases) {
    const all = [endpoint("a", 1, leftActive), endpoint("b", 1, rightActive)];
    if (leftMs > 0) all[0]!.state.took(leftMs, 0);
    if (rightMs > 0) all[1]!.state.took(rightMs, 0);
    const balancer = BALANCERS.leastTime(all, new SeededRandom(9), clock);
    for (let pick = 0; pick < 20; pick++) assert.equal(balancer.pick(all, NEED)?.name, winner);
  }
});

test("EndpointState: the time to the first byte rises at once, falls slowly, and fades", () => {
  const { state } = endpoint("a");

  assert.equal(state.latelyMs(1_000), 0);
  state.took(10, 1_000);
  state.took(100, 1_001);
  assert.equal(state.latencyMs, 100);
  state.took(10, 1_002);
  assert.ok(state.latencyMs > 99, `${state.latencyMs}`);
  for (let atMs = 2_000; atMs < 60_000; atMs += 100) state.took(10, atMs);
  assert.ok(state.latencyMs < 11, `${state.latencyMs}`);
  assert.ok(state.latelyMs(200_000) < 0.001);
});

test("leastTime: an endpoint that was slow is asked again when that is long ago", async () => {
  const own = new SimClock();
  const [slow, quick] = [endpoint("slow"), endpoint("quick")];
  slow.state.took(500, own.nowMs());
  quick.state.took(5, own.nowMs());
  const balancer = BALANCERS.leastTime([slow, quick], new SeededRandom(1), own);

  assert.equal(balancer.pick([slow, quick], NEED), quick);
  for (let seconds = 0; seconds < 60; seconds++) {
    await own.advance(1_000);
    quick.state.took(5, own.nowMs());
  }

  assert.equal(balancer.pick([slow, quick], NEED), slow);
});

const HASHES = ["hash", "ipHash"] as const;

function keyed(key: number): Need {
  return { hashKey: `client-${key}`, tried: [] };
}

const KEYS = 10_000;

/** Which endpoint each key is at. */
function placesOf(factory: BalancerFactory, all: readonly Endpoint[], ready = all): string[] {
  const balancer = factory(all, new SeededRandom(1), clock);
  return Array.from({ length: KEYS }, (_, key) => balancer.pick(ready, keyed(key))!.name);
}

function countOf(places: readonly string[], name: string): number {
  return places.filter((each) => each === name).length;
}

function movedBetween(before: readonly string[], after: readonly string[]): number[] {
  return before.flatMap((name, key) => (name === after[key] ? [] : [key]));
}

const tenNames = Array.from({ length: 10 }, (_, place) => `10.0.0.${place}:80`);
const ten = tenNames.map((name) => endpoint(name));

for (const name of HASHES) {
  test(`${name}: a key is always at the same endpoint, in any worker, in any order`, () => {
    const places = placesOf(BALANCERS[name], ten);

    assert.deepEqual(placesOf(BALANCERS[name], ten.toReversed()), places);
    for (const each of tenNames) {
      assert.ok(
        Math.abs(countOf(places, each) / KEYS - 0.1) < 0.012,
        `${each}: ${countOf(places, each)}`,
      );
    }
  });

  test(`${name}: who leaves takes no other key along, and has its own back when it returns`, () => {
    const before = placesOf(BALANCERS[name], ten);

    const without = placesOf(BALANCERS[name], ten, ten.slice(1));
    const moved = movedBetween(before, without);

    assert.equal(moved.length, countOf(before, tenNames[0]!));
    assert.ok(moved.every((key) => before[key] === tenNames[0]));
    for (const each of tenNames.slice(1)) {
      const gained = countOf(without, each) - countOf(before, each);
      assert.ok(Math.abs(gained - moved.length / 9) < 40, `${each} gained ${gained}`);
    }
    assert.deepEqual(placesOf(BALANCERS[name], ten), before);
  });

  test(`${name}: one more takes its share, and no key moves between the others`, () => {
    const before = placesOf(BALANCERS[name], ten);

    const after = placesOf(BALANCERS[name], [...ten, endpoint("new:80")]);

    const moved = movedBetween(before, after);
    assert.ok(moved.every((key) => after[key] === "new:80"));
    assert.ok(Math.abs(moved.length / KEYS - 1 / 11) < 0.012, `${moved.length}`);
  });

  test(`${name}: shares follow the weights, and a change of weight moves no more than it must`, () => {
    const light = [endpoint("a", 1), endpoint("b", 2), endpoint("c", 5)];
    const heavier = [endpoint("a", 2), endpoint("b", 2), endpoint("c", 5)];

    const before = placesOf(BALANCERS[name], light);
    const after = placesOf(BALANCERS[name], heavier);

    for (const { name: each, weight } of light) {
      assert.ok(Math.abs(countOf(before, each) / KEYS - weight / 8) < 0.015, each);
    }
    assert.ok(movedBetween(before, after).every((key) => after[key] === "a"));
    assert.ok(Math.abs(countOf(after, "a") / KEYS - 2 / 9) < 0.015);
  });

  test(`${name}: without a key requests are shared out as by leastRequest`, () => {
    assertClose(shares(BALANCERS[name], endpoints(1, 1, 2)), [0.25, 0.25, 0.5]);
  });
}

test("hash: what is remembered of keys of late changes nothing, however many there are", () => {
  const many = Array.from({ length: 40 }, (_, place) =>
    endpoint(`10.1.0.${place}:80`, 1 + (place % 3)),
  );
  const fewer = many.slice(1);
  const fresh = (ready: readonly Endpoint[], key: number) =>
    BALANCERS.hash(many, new SeededRandom(1), clock).pick([...ready], keyed(key))!.name;
  const balancer = BALANCERS.hash(many, new SeededRandom(1), clock);
  for (let key = 0; key < 20_000; key++) balancer.pick(many, keyed(key));

  for (let key = 0; key < 20_000; key += 7) {
    const [one, again] = [balancer.pick(many, keyed(key))!, balancer.pick(many, keyed(key))!];
    assert.equal(one, again);
    assert.equal(one.name, fresh(many, key));
    if (one !== many[0]) assert.equal(balancer.pick(fewer, keyed(key)), one);
  }
});

test("roundRobin: lists of retries throw nobody off his turn", () => {
  const all = endpoints(1, 1, 1);
  const balancer = BALANCERS.roundRobin(all, new SeededRandom(1), clock);
  const counts = new Map(all.map((each) => [each, 0]));

  // The first one always fails, and another one is asked.
  for (let request = 0; request < 300; request++) {
    const picked = balancer.pick(all, NEED)!;
    const served = picked === all[0] ? balancer.pick(all.slice(1), NEED)! : picked;
    counts.set(served, counts.get(served)! + 1);
  }

  const [, second, third] = [...counts.values()];
  assert.ok(Math.abs(second! - third!) <= 2, `${second} and ${third}`);
});

test("hash: one hot key takes its endpoint's share and a bound, the next nearest have the rest", () => {
  const balancer = BALANCERS.hash(ten, new SeededRandom(1), clock);
  const counts = new Map<string, number>();
  const claimed: Endpoint[] = [];
  for (let count = 0; count < 1_000; count++) {
    const picked = balancer.pick(ten, keyed(1))!;
    picked.state.enter();
    claimed.push(picked);
    counts.set(picked.name, (counts.get(picked.name) ?? 0) + 1);
  }
  for (const each of claimed) each.state.leave();

  assert.ok(Math.max(...counts.values()) <= 126, JSON.stringify([...counts]));
  assert.equal(counts.size, 8, "eight of them bear it at 125 each");
});

test("hash: a bound of one endpoint's weight follows its weight", () => {
  const all = [endpoint("a", 1), endpoint("b", 3)];
  const balancer = BALANCERS.hash(all, new SeededRandom(1), clock);
  for (let count = 0; count < 400; count++) balancer.pick(all, keyed(1))!.state.enter();

  assert.ok(all[0]!.state.active <= 125 && all[1]!.state.active <= 375);
});
