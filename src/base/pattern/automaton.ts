import { Alphabet } from "./alphabet.ts";
import type { Program } from "./program.ts";
import type { Ranges } from "./syntax.ts";

interface State {
  readonly steps: readonly number[]; // "set" steps waiting for a code unit, ascending
  readonly isMatch: boolean; // whatever follows
  readonly isMatchAtEnd: boolean; // if nothing follows
  readonly next: (State | undefined)[]; // by class; undefined: not computed yet
}

const STATES_MAX = 1000;

/**
 * Answers whether there is a match: a deterministic automaton that is built as texts come by. When
 * it grows too large it is forgotten and begun anew, so that memory is bounded and time stays linear.
 */
export class Automaton {
  readonly #program: Program;
  readonly #alphabet: Alphabet;
  readonly #states: Map<string, State>;
  readonly #seen: Uint8Array;
  #start: State;

  constructor(program: Program) {
    this.#program = program;
    this.#alphabet = new Alphabet(program);
    this.#states = new Map();
    this.#seen = new Uint8Array(program.steps.length);
    this.#start = this.#stateOf([0], true);
  }

  get stateCount(): number {
    return this.#states.size;
  }

  test(text: string): boolean {
    const alphabet = this.#alphabet;
    let state = this.#start;
    for (let index = 0; index < text.length; index++) {
      if (state.isMatch) return true;
      const unitClass = alphabet.classOf(text.charCodeAt(index));
      state = state.next[unitClass] ?? this.#advance(state, unitClass);
    }
    return state.isMatch || state.isMatchAtEnd;
  }

  #advance(state: State, unitClass: number): State {
    const unit = this.#alphabet.firstOfClass[unitClass]!;
    const after: number[] = [];
    for (const at of state.steps) {
      const step = this.#program.steps[at]!;
      if (step.kind === "set" && holds(step.ranges, unit)) after.push(at + 1);
    }
    if (this.#states.size >= STATES_MAX) {
      this.#states.clear();
      this.#start = this.#stateOf([0], true);
    }
    const next = this.#stateOf(after, false);
    state.next[unitClass] = next;
    return next;
  }

  #stateOf(froms: readonly number[], isStart: boolean): State {
    this.#seen.fill(0);
    let isMatch = false;
    let isMatchAtEnd = false;
    const waiting: number[] = [];
    const ends: number[] = [];
    for (const from of froms) this.#follow(from, isStart, ends);
    const { steps } = this.#program;
    for (let at = 0; at < steps.length; at++) {
      if (this.#seen[at] === 0) continue;
      if (steps[at]!.kind === "set") waiting.push(at);
      else if (steps[at]!.kind === "match") isMatch = true;
    }
    for (let index = 0; index < ends.length; index++) this.#follow(ends[index]! + 1, isStart, ends);
    isMatchAtEnd = this.#seen[steps.length - 1] === 1;
    const key = `${isMatch} ${isMatchAtEnd} ${waiting.join(" ")}`;
    let state = this.#states.get(key);
    if (state === undefined) {
      const next = new Array<State | undefined>(this.#alphabet.count).fill(undefined);
      state = { steps: waiting, isMatch, isMatchAtEnd, next };
      this.#states.set(key, state);
    }
    return state;
  }

  /** Marks every step that can be reached without taking a code unit. */
  #follow(from: number, isStart: boolean, ends: number[]): void {
    const pending = [from];
    for (let at = pending.pop(); at !== undefined; at = pending.pop()) {
      if (this.#seen[at] === 1) continue;
      this.#seen[at] = 1;
      const step = this.#program.steps[at]!;
      if (step.kind === "fork") pending.push(step.other, step.first);
      else if (step.kind === "jump") pending.push(step.to);
      else if (step.kind === "save" || step.kind === "forget") pending.push(at + 1);
      else if (step.kind === "start" && isStart) pending.push(at + 1);
      else if (step.kind === "end") ends.push(at);
    }
  }
}

export function holds(ranges: Ranges, unit: number): boolean {
  for (let index = 0; index < ranges.length; index += 2) {
    if (unit < ranges[index]!) return false;
    if (unit <= ranges[index + 1]!) return true;
  }
  return false;
}
