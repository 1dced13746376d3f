import assert from "node:assert/strict";
import { test } from "node:test";
import { SimClock } from "../../../test/support/sim-clock.ts";
import { TimerWheel } from "../../base/timer-wheel.ts";
import { KeyedPaces } from "./keyed-paces.ts";
import { KeyedPace, OwnPace, type Pace } from "./pace.ts";
import { type Flow, Share } from "./share.ts";

const RATE = 1024 * 1024;
const numbers = { bytesPerSecond: RATE, burstBytes: 0 };

/** A body without end, to someone who takes all of it. */
class Endless implements Flow {
  readonly #share: Share;
  bytes = 0;
  isFull = false;

  constructor(share: Share) {
    this.#share = share;
    share.joined();
    this.#pump();
  }

  get nextBytes(): number {
    return this.isFull ? 0 : this.#share.sliceBytes;
  }

  send(): void {
    this.bytes += this.nextBytes;
    this.#pump();
  }

  #pump(): void {
    while (this.nextBytes > 0 && this.#share.take(this, this.nextBytes))
      this.bytes += this.nextBytes;
  }
}

/** Threads with a wheel of their own each, over the same memory. */
function threads(count: number) {
  const clock = new SimClock();
  const shape = KeyedPaces.shape(64, count);
  const memory = new SharedArrayBuffer(KeyedPaces.byteLength(shape));
  const shares = Array.from({ length: count }, (_, lane) => {
    const paces = new KeyedPaces(memory, shape, { lane, clock, burstMs: 0 });
    return new Share(new KeyedPace(paces, "key", RATE), numbers, new TimerWheel(clock), () => {});
  });
  return { clock, shares, memory, shape };
}

const isAbout = (value: number, wanted: number, share = 0.02) =>
  assert.ok(Math.abs(value / wanted - 1) <= share, `${value}, not ${wanted}`);

test("Share: threads keep to the rate together, and each has the part of its flows", async () => {
  const { clock, shares } = threads(3);
  const flows = [0, 0, 1, 2].map((at) => new Endless(shares[at]!));

  await clock.advance(10_000);

  isAbout(
    flows.reduce((sum, { bytes }) => sum + bytes, 0),
    RATE * 10,
  );
  for (const flow of flows) isAbout(flow.bytes, (RATE * 10) / 4, 0.1);
});

test("Share: what a thread's flows do not take is for the others", async () => {
  const { clock, shares } = threads(2);
  const idle = new Endless(shares[0]!);
  const busy = new Endless(shares[1]!);
  idle.isFull = true;
  await clock.advance(1_000);
  const before = busy.bytes;

  await clock.advance(10_000);

  isAbout(busy.bytes - before, RATE * 10);
});

test("Share: what a lost thread had waiting is no part any more", async () => {
  const { clock, shares, memory, shape } = threads(2);
  const lost = new Endless(shares[0]!);
  const left = new Endless(shares[1]!);
  await clock.advance(1_000);
  shares[0]!.left(lost);
  new Int32Array(memory); // it died without saying so
  KeyedPaces.clear(memory, shape, 0);
  const before = left.bytes;

  await clock.advance(10_000);

  isAbout(left.bytes - before, RATE * 10);
});

function own(): { clock: SimClock; share: Share; ends: () => number } {
  const clock = new SimClock();
  let ends = 0;
  const wheel = new TimerWheel(clock);
  const pace: Pace = new OwnPace(RATE, () => clock.nowMs());
  return { clock, share: new Share(pace, numbers, wheel, () => ends++), ends: () => ends };
}

test("Share: it is needed until what has flowed is paid for", async () => {
  const { clock, share, ends } = own();
  const flow = new Endless(share);
  await clock.advance(1_000);
  share.left(flow);
  assert.equal(ends(), 0);

  await clock.advance(300);

  assert.equal(ends(), 1);
  assert.equal(clock.pendingCount, 0);
});

test("Share: a busy event loop costs nothing of the rate", async () => {
  const { clock, share } = own();
  const flow = new Endless(share);
  await clock.advance(1_000);
  const before = flow.bytes;

  for (let round = 0; round < 20; round++) {
    await clock.advance(170);
    await clock.advance(330);
  }

  isAbout(flow.bytes - before, RATE * 10);
});
