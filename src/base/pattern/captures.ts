import { holds } from "./automaton.ts";
import type { Program, Step } from "./program.ts";

export type Slots = Int32Array; // where each group starts and ends; -1: took no part

const BODY = 4; // where a program's expression begins, behind the loop and the first save

/**
 * Finds where the groups of the preferred match lie: Pike's simulation, all threads in step, the
 * preferred ones in front. Linear, but far slower than the automaton: for when somebody asks.
 */
export class GroupFinder {
  readonly #steps: readonly Step[];
  readonly #slotCount: number;
  readonly #firstStep: number; // behind the loop over where to begin, if it begins with "^"
  readonly #seen: Uint32Array; // by step: the turn in which a thread came to it
  #turn: number;
  // The threads, the preferred one first, and those that come after the next code unit.
  #ats: number[];
  #slots: Slots[];
  #nextAts: number[];
  #nextSlots: Slots[];
  // Where threads have still to go without taking a code unit, the preferred one last.
  readonly #pendingAts: number[];
  readonly #pendingSlots: Slots[];

  constructor({ steps, slotCount }: Program) {
    this.#steps = steps;
    this.#slotCount = slotCount;
    this.#firstStep = steps[BODY]?.kind === "start" ? BODY - 1 : 0;
    this.#seen = new Uint32Array(steps.length);
    this.#turn = 0;
    this.#ats = [];
    this.#slots = [];
    this.#nextAts = [];
    this.#nextSlots = [];
    this.#pendingAts = [];
    this.#pendingSlots = [];
  }

  /** The first match that begins at `from` or later; `lastIndex` is how far it had to look. */
  find(text: string, from = 0): { readonly slots: Slots | undefined; readonly lastIndex: number } {
    let found: Slots | undefined;
    let index = from;
    this.#begin();
    this.#follow(this.#firstStep, new Int32Array(this.#slotCount).fill(-1), index, text.length);
    this.#swap();
    for (; index <= text.length && this.#ats.length > 0; index++) {
      this.#begin();
      const unit = index < text.length ? text.charCodeAt(index) : -1;
      for (let thread = 0; thread < this.#ats.length; thread++) {
        const at = this.#ats[thread]!;
        const step = this.#steps[at]!;
        if (step.kind === "match") {
          found = this.#slots[thread]!;
          break; // the threads behind are not preferred
        }
        if (step.kind === "set" && unit >= 0 && holds(step.ranges, unit)) {
          this.#follow(at + 1, this.#slots[thread]!, index + 1, text.length);
        }
      }
      this.#swap();
    }
    return { slots: found, lastIndex: index };
  }

  #begin(): void {
    this.#turn++;
    if (this.#turn > 0xffff_ffff) {
      this.#seen.fill(0);
      this.#turn = 1;
    }
    this.#nextAts.length = 0;
    this.#nextSlots.length = 0;
  }

  #swap(): void {
    const ats = this.#ats;
    const slots = this.#slots;
    this.#ats = this.#nextAts;
    this.#slots = this.#nextSlots;
    this.#nextAts = ats;
    this.#nextSlots = slots;
  }

  /** Goes on without taking a code unit, in order of preference, each step once. */
  #follow(from: number, given: Slots, index: number, end: number): void {
    const ats = this.#pendingAts;
    const pending = this.#pendingSlots;
    ats.push(from);
    pending.push(given);
    while (ats.length > 0) {
      const at = ats.pop()!;
      const slots = pending.pop()!;
      if (this.#seen[at] === this.#turn) continue;
      this.#seen[at] = this.#turn;
      const step = this.#steps[at]!;
      switch (step.kind) {
        case "set":
        case "match":
          this.#nextAts.push(at);
          this.#nextSlots.push(slots);
          break;
        case "fork":
          ats.push(step.other, step.first);
          pending.push(slots, slots);
          break;
        case "jump":
          ats.push(step.to);
          pending.push(slots);
          break;
        case "save":
          ats.push(at + 1);
          pending.push(slots.with(step.slot, index));
          break;
        case "forget":
          ats.push(at + 1);
          pending.push(slots.slice().fill(-1, step.first, step.last + 1));
          break;
        case "start":
          if (index === 0) {
            ats.push(at + 1);
            pending.push(slots);
          }
          break;
        case "end":
          if (index === end) {
            ats.push(at + 1);
            pending.push(slots);
          }
      }
    }
  }
}
