import type { Clock, Timer } from "./world.ts";

/**
 * All the deadlines of one worker on one timer. A proxy re-arms several deadlines per request and
 * nearly none of them ever fires, so arming is made cheap and firing coarse:
 *
 * - time is cut into ticks; a deadline lies in the slot of the tick at or after its due time, so
 *   it fires never early, and at most one tick and the delay of the event loop late;
 * - to arm for later is one assignment: the deadline stays where it lies, and moves on when that
 *   slot comes up. Only an earlier due time moves it at once;
 * - the slots go round: what lies further ahead than the wheel is long shares its slot with nearer
 *   ticks, and is passed over once per round, so an hour costs some forty looks at most;
 * - the wheel sleeps until the next slot with something in it, and has no timer when it is empty.
 */
export class TimerWheel {
  protected readonly slots: readonly Link[];
  protected linkedCount = 0;
  readonly #clock: Clock;
  readonly #tickMs: number;
  readonly #turning = new Link(); // holds what lay in the slot that is being emptied
  #doneTick = 0; // every slot up to this tick has been emptied
  #wakeTick = Number.POSITIVE_INFINITY; // nothing is due before this tick
  #timer: Timer | undefined;

  constructor(clock: Clock, tickMs = 100) {
    this.slots = Array.from({ length: SLOT_COUNT }, () => new Link());
    this.#clock = clock;
    this.#tickMs = tickMs;
  }

  get nowMs(): number {
    return this.#clock.nowMs();
  }

  /**
   * Due in `delayMs` from now, whatever was said before. Infinity takes the due time back and
   * leaves the deadline in its slot for the next arm(): the cheap way while its owner lives on.
   */
  arm(deadline: Deadline, delayMs: number): void {
    deadline.dueMs = delayMs === Number.POSITIVE_INFINITY ? delayMs : this.nowMs + delayMs;
    if (deadline.tick !== UNLINKED) {
      if (Math.ceil(deadline.dueMs / this.#tickMs) >= deadline.tick) return;
      unlink(deadline);
      this.linkedCount -= 1;
    } else if (deadline.dueMs === Number.POSITIVE_INFINITY) {
      return;
    }
    this.#link(deadline);
  }

  /** Takes the deadline out of the wheel, which then holds nothing of its owner. */
  disarm(deadline: Deadline): void {
    deadline.dueMs = Number.POSITIVE_INFINITY;
    if (deadline.tick === UNLINKED) return;
    unlink(deadline);
    this.linkedCount -= 1;
    if (this.linkedCount === 0) this.#sleep(Number.POSITIVE_INFINITY);
  }

  #link(deadline: Deadline): void {
    // Nothing is due before the wake-up, so what is done may follow the clock up to there.
    const nowTick = Math.floor(this.nowMs / this.#tickMs);
    this.#doneTick = Math.max(this.#doneTick, Math.min(nowTick, this.#wakeTick - 1));

    const tick = Math.max(Math.ceil(deadline.dueMs / this.#tickMs), this.#doneTick + 1);
    deadline.tick = tick;
    linkLast(this.slots[tick % SLOT_COUNT]!, deadline);
    this.linkedCount += 1;
    if (tick < this.#wakeTick) this.#sleep(tick);
  }

  #sleep(untilTick: number): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#wakeTick = untilTick;
    if (untilTick === Number.POSITIVE_INFINITY) return;
    const delayMs = Math.max(0, untilTick * this.#tickMs - this.nowMs);
    this.#timer = this.#clock.after(delayMs, () => this.#turn());
  }

  /**
   * Empties every slot that has come up. A deadline that throws is a bug; the others are not to
   * suffer from it, so it is thrown on only when the wheel is in order and asleep again.
   */
  #turn(): void {
    this.#timer = undefined;
    const nowMs = this.nowMs;
    const nowTick = Math.floor(nowMs / this.#tickMs);
    const first = Math.max(this.#doneTick, nowTick - SLOT_COUNT) + 1; // each slot once at most
    // A timer of the system may come a fraction early; then there is nothing to empty yet.
    this.#doneTick = Math.max(this.#doneTick, nowTick);
    const bugs: unknown[] = [];
    for (let tick = first; tick <= nowTick; tick++) {
      moveAll(this.slots[tick % SLOT_COUNT]!, this.#turning);
      this.#fireDue(nowMs, bugs);
    }
    this.#sleep(this.#nextTick());
    if (bugs.length === 1) throw bugs[0];
    if (bugs.length > 1) throw new AggregateError(bugs, "more than one deadline threw");
  }

  #fireDue(nowMs: number, bugs: unknown[]): void {
    // One at a time from the front: a fire() may disarm or arm any of the others.
    for (;;) {
      const deadline = this.#turning.next;
      if (!(deadline instanceof Deadline)) return;
      unlink(deadline);
      this.linkedCount -= 1;
      if (deadline.dueMs > nowMs) {
        if (deadline.dueMs !== Number.POSITIVE_INFINITY) this.#link(deadline);
        continue;
      }
      deadline.dueMs = Number.POSITIVE_INFINITY;
      try {
        deadline.fire();
      } catch (bug) {
        bugs.push(bug);
      }
    }
  }

  #nextTick(): number {
    if (this.linkedCount === 0) return Number.POSITIVE_INFINITY;
    let tick = this.#doneTick + 1;
    while (this.slots[tick % SLOT_COUNT]!.next === this.slots[tick % SLOT_COUNT]) tick += 1;
    return tick;
  }
}

const SLOT_COUNT = 1024; // at 100 ms a little more than the longest default, 75 s
const UNLINKED = -1;

/** A place in a ring; a ring of one is empty. The head of each slot is a plain Link. */
export class Link {
  next: Link;
  previous: Link;

  constructor() {
    this.next = this;
    this.previous = this;
  }
}

/** Something that is to happen unless it is put off or called off. Lies in one wheel at most. */
export abstract class Deadline extends Link {
  dueMs: number; // set by the wheel's arm() and disarm() alone; Infinity: disarmed
  tick: number; // the wheel's own: the slot it lies in, never after its due time's

  constructor() {
    super();
    this.dueMs = Number.POSITIVE_INFINITY;
    this.tick = UNLINKED;
  }

  /** Called once per arm() that was not put off or called off; by then it is disarmed. */
  abstract fire(): void;
}

function linkLast(head: Link, deadline: Deadline): void {
  deadline.next = head;
  deadline.previous = head.previous;
  head.previous.next = deadline;
  head.previous = deadline;
}

function unlink(deadline: Deadline): void {
  deadline.previous.next = deadline.next;
  deadline.next.previous = deadline.previous;
  deadline.next = deadline;
  deadline.previous = deadline;
  deadline.tick = UNLINKED;
}

function moveAll(from: Link, to: Link): void {
  if (from.next === from) return;
  to.next = from.next;
  to.previous = from.previous;
  to.next.previous = to;
  to.previous.next = to;
  from.next = from;
  from.previous = from;
}
