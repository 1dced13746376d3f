import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { SimClock } from "../../test/support/sim-clock.ts";
import { Deadline, TimerWheel } from "./timer-wheel.ts";

const TICK_MS = 100;
const HOUR_MS = 3_600_000;

/** Checks after every call that the rings are whole and nothing lies where it would fire late. */
class CheckedWheel extends TimerWheel {
  override arm(deadline: Deadline, delayMs: number): void {
    super.arm(deadline, delayMs);
    this.check();
  }

  override disarm(deadline: Deadline): void {
    super.disarm(deadline);
    this.check();
  }

  check(): void {
    let count = 0;
    for (const [index, head] of this.slots.entries()) {
      for (let link = head.next, before = head; link !== head; before = link, link = link.next) {
        assert.ok(link instanceof Deadline);
        assert.equal(link.previous, before);
        assert.equal(link.tick % this.slots.length, index);
        const soonestTick = Math.floor(this.nowMs / TICK_MS) + 1;
        const isLate = link.dueMs < (link.tick - 1) * TICK_MS && link.tick > soonestTick;
        assert.ok(!isLate, "lies behind its due time");
        count += 1;
      }
      assert.equal(head.next === head, head.previous === head);
    }
    assert.ok(count <= this.linkedCount); // the rest lies in the slot that is being emptied
  }

  get count(): number {
    return this.linkedCount;
  }
}

class Call extends Deadline {
  readonly #call: () => void;

  constructor(call: () => void) {
    super();
    this.#call = call;
  }

  override fire(): void {
    this.#call();
  }
}

function bench() {
  const clock = new SimClock();
  const wheel = new CheckedWheel(clock, TICK_MS);
  const fired: string[] = [];
  const deadline = (name: string, then?: () => void) =>
    new Call(() => {
      fired.push(`${name} ${clock.nowMs()}`);
      then?.();
    });
  return { clock, wheel, fired, deadline };
}

type Row = [name: string, delayMs: number, wantMs: number];

// biome-ignore format: a table
const delays: Row[] = [
  ["on a tick fires on it",                    300,            300],
  ["between two ticks fires on the later one", 301,            400],
  ["of nothing fires on the next tick",        0,              100],
  ["in the past fires on the next tick",       -50,            100],
  ["one tick short of the wheel's length",     1023 * 100,     1023 * 100],
  ["of the wheel's length",                    1024 * 100,     1024 * 100],
  ["one tick beyond the wheel's length",       1025 * 100,     1025 * 100],
  ["of an hour and a bit",                     HOUR_MS + 1,    HOUR_MS + 100],
];

for (const [name, delayMs, wantMs] of delays) {
  test(`TimerWheel: a deadline ${name}`, async () => {
    const { clock, wheel, fired, deadline } = bench();

    wheel.arm(deadline("a"), delayMs);
    await clock.advance(wantMs + 5 * TICK_MS);

    assert.deepEqual(fired, [`a ${wantMs}`]);
    assert.equal(clock.pendingCount, 0);
  });
}

test("TimerWheel: an hour ahead wakes the worker some forty times, not every tick", async () => {
  const { clock, wheel, deadline } = bench();
  let turns = 0;
  const after = clock.after.bind(clock);
  clock.after = (delayMs, fire) => {
    turns += 1;
    return after(delayMs, fire);
  };

  wheel.arm(deadline("a"), HOUR_MS);
  await clock.advance(HOUR_MS);

  assert.ok(turns <= 40, `${turns} turns`);
});

test("TimerWheel: to arm for later leaves the deadline where it lies", async () => {
  const { clock, wheel, fired, deadline } = bench();
  const late = deadline("a");
  wheel.arm(late, 500);
  const { tick, next, previous } = late;

  await clock.advance(250);
  wheel.arm(late, 500);

  assert.deepEqual([late.tick, late.next, late.previous], [tick, next, previous]);
  await clock.advance(1000);
  assert.deepEqual(fired, ["a 800"]);
});

test("TimerWheel: to arm for sooner wakes it sooner", async () => {
  const { clock, wheel, fired, deadline } = bench();
  const soon = deadline("a");

  wheel.arm(soon, HOUR_MS);
  await clock.advance(1000);
  wheel.arm(soon, 150);
  await clock.advance(HOUR_MS);

  assert.deepEqual(fired, ["a 1200"]);
});

test("TimerWheel: a disarmed deadline does not fire, nor is it held", async () => {
  const { clock, wheel, fired, deadline } = bench();
  const [first, other] = [deadline("a"), deadline("b")];
  wheel.arm(first, 200);
  wheel.arm(other, 200);

  wheel.disarm(first);
  assert.equal(wheel.count, 1);
  wheel.disarm(other);
  assert.equal(wheel.count, 0);
  assert.equal(clock.pendingCount, 0, "an empty wheel has no timer");
  wheel.disarm(other); // twice is fine
  await clock.advance(1000);

  assert.deepEqual(fired, []);
});

test("TimerWheel: Infinity takes the due time back, and the wheel empties by itself", async () => {
  const { clock, wheel, fired, deadline } = bench();
  const [off, never] = [deadline("a"), deadline("b")];

  wheel.arm(never, Number.POSITIVE_INFINITY);
  assert.equal(wheel.count, 0);
  wheel.arm(off, 300);
  wheel.arm(off, Number.POSITIVE_INFINITY);
  assert.equal(off.dueMs, Number.POSITIVE_INFINITY);
  await clock.advance(300);

  assert.deepEqual(fired, []);
  assert.equal(wheel.count, 0);
  assert.equal(clock.pendingCount, 0);
});

test("TimerWheel: a deadline that throws is reported and takes no other with it", async () => {
  const { clock, wheel, fired, deadline } = bench();
  const throwing = (what: string) =>
    deadline(what, () => {
      throw new Error(what);
    });
  wheel.arm(throwing("a"), 100);
  wheel.arm(deadline("b"), 100);
  wheel.arm(deadline("c"), 300);
  wheel.arm(throwing("d"), 500);
  wheel.arm(throwing("e"), 500);

  await assert.rejects(clock.advance(200), { message: "a" });
  await assert.rejects(clock.advance(600), AggregateError);
  await clock.advance(600);

  assert.deepEqual(fired, ["a 100", "b 100", "c 300", "d 500", "e 500"]);
});

test("TimerWheel: a deadline that fires may disarm and arm its neighbours and itself", async () => {
  const { clock, wheel, fired, deadline } = bench();
  const gone = deadline("gone");
  const put = deadline("put off");
  const round = deadline("round", () => {
    wheel.disarm(gone);
    wheel.arm(put, 250);
    if (fired.length < 3) wheel.arm(round, 0);
  });

  for (const each of [round, gone, put]) wheel.arm(each, 100);
  await clock.advance(2000);

  assert.deepEqual(fired, ["round 100", "round 200", "round 300", "put off 600"]);
  assert.equal(wheel.count, 0);
});

test("TimerWheel: after a long sleep of the machine everything due fires, once", async () => {
  const { clock, wheel, fired, deadline } = bench();
  // The timer comes an hour late, as after a suspended laptop: advance() in one jump cannot do it.
  const fires: (() => void)[] = [];
  clock.after = (_delayMs, fire) => {
    fires.push(fire);
    return { cancel: () => undefined };
  };
  for (const delayMs of [100, 60_000, 200_000]) wheel.arm(deadline(String(delayMs)), delayMs);
  wheel.arm(deadline("later"), 2 * HOUR_MS);

  await clock.advance(HOUR_MS);
  fires.shift()!();

  assert.deepEqual(
    fired.sort(),
    [100, 200_000, 60_000].map((ms) => `${ms} ${HOUR_MS}`),
  );
  assert.equal(wheel.count, 1);
  wheel.check();
});

type Deed =
  | { readonly kind: "arm"; readonly which: number; readonly delayMs: number }
  | { readonly kind: "disarm"; readonly which: number }
  | { readonly kind: "wait"; readonly ms: number };

const DEADLINES = 6;
const which = fc.nat(DEADLINES - 1);
const delayMs = fc.oneof(
  fc.nat(2000),
  fc.nat(200_000),
  fc.double({ min: 0, max: 1000, noNaN: true }),
  fc.constant(Number.POSITIVE_INFINITY),
);
const deeds = fc.array(
  fc.oneof<fc.Arbitrary<Deed>[]>(
    fc.record({ kind: fc.constant("arm" as const), which, delayMs }),
    fc.record({ kind: fc.constant("disarm" as const), which }),
    fc.record({ kind: fc.constant("wait" as const), ms: fc.oneof(fc.nat(3000), fc.nat(150_000)) }),
  ),
  { maxLength: 40 },
);

test("TimerWheel: fires as a list of due times would, never early, a tick late at most", async () => {
  await fc.assert(
    fc.asyncProperty(deeds, async (list) => {
      const clock = new SimClock();
      const wheel = new CheckedWheel(clock, TICK_MS);
      const dueMs = new Array<number>(DEADLINES).fill(Number.POSITIVE_INFINITY);
      const deadlines = dueMs.map(
        (_, index) =>
          new Call(() => {
            assert.ok(clock.nowMs() >= dueMs[index]!, "early");
            assert.ok(clock.nowMs() <= dueMs[index]! + TICK_MS, "late");
            dueMs[index] = Number.POSITIVE_INFINITY;
          }),
      );

      for (const deed of list) {
        if (deed.kind === "wait") {
          await clock.advance(deed.ms);
          for (const due of dueMs) assert.ok(due > clock.nowMs() - TICK_MS, "missed");
        } else if (deed.kind === "arm") {
          dueMs[deed.which] = clock.nowMs() + deed.delayMs;
          wheel.arm(deadlines[deed.which]!, deed.delayMs);
        } else {
          dueMs[deed.which] = Number.POSITIVE_INFINITY;
          wheel.disarm(deadlines[deed.which]!);
        }
        wheel.check();
      }
      await clock.advance(250_000);
      assert.ok(dueMs.every((due) => due === Number.POSITIVE_INFINITY));
      assert.equal(wheel.count, 0);
      assert.equal(clock.pendingCount, 0);
    }),
    { numRuns: 150 },
  );
});
