import assert from "node:assert/strict";
import { test } from "node:test";
import { Crowd, OUTSIDE } from "./crowd.ts";
import { SeededRandom } from "./seeded-random.ts";

function member(name: number) {
  return { name, place: OUTSIDE };
}

test("Crowd: has who was added and has not left, whatever the order", () => {
  const random = new SeededRandom(7);
  const crowd = new Crowd<ReturnType<typeof member>>();
  const everybody = Array.from({ length: 40 }, (_, name) => member(name));
  const wanted = new Set<ReturnType<typeof member>>();

  for (let step = 0; step < 2_000; step++) {
    const one = everybody[random.below(everybody.length)]!;
    if (random.below(2) === 0) {
      crowd.add(one);
      wanted.add(one);
    } else {
      assert.equal(crowd.delete(one), wanted.delete(one));
    }

    assert.equal(crowd.size, wanted.size);
    assert.deepEqual(new Set(crowd.all()), wanted);
    for (const each of everybody) assert.equal(crowd.has(each), wanted.has(each));
  }
});

test("Crowd: one who is added twice is there once", () => {
  const crowd = new Crowd<ReturnType<typeof member>>();
  const one = member(1);

  crowd.add(one);
  crowd.add(one);

  assert.equal(crowd.size, 1);
  assert.equal(crowd.delete(one), true);
  assert.equal(crowd.delete(one), false);
  assert.equal(one.place, OUTSIDE);
});

test("Crowd: all() is a copy, so members may leave while it is walked", () => {
  const crowd = new Crowd<ReturnType<typeof member>>();
  for (let name = 0; name < 5; name++) crowd.add(member(name));

  for (const each of crowd.all()) crowd.delete(each);

  assert.equal(crowd.size, 0);
});
