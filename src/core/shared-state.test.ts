import assert from "node:assert/strict";
import { test } from "node:test";
import type { Log } from "../base/world.ts";
import { KeyedState } from "./shared-state.ts";

function stage() {
  const gone: string[] = [];
  const warnings: unknown[] = [];
  const log: Log = { info() {}, warn: (_message, fields) => warnings.push(fields?.["key"]) };
  const disposable = (name: string) => ({ name, [Symbol.dispose]: () => void gone.push(name) });
  const state = new KeyedState(log);
  const commit = (...names: string[]) => {
    const draft = state.draft();
    const things = names.map((name) => draft.keep(name, () => disposable(name)));
    draft.commit();
    return things;
  };
  return { state, gone, warnings, disposable, commit };
}

test("KeyedState: what is kept again is the same thing, and what is not is disposed", () => {
  const { commit, gone } = stage();

  const [first] = commit("a", "b", "c");
  const [again] = commit("a", "d");

  assert.equal(again, first);
  assert.deepEqual(gone, ["c", "b"]);
});

test("KeyedState: a draft keeps one thing per key, undefined included", () => {
  const { state } = stage();
  let made = 0;
  const make = () => {
    made += 1;
    return undefined;
  };

  const draft = state.draft();
  draft.keep("nothing", make);
  draft.keep("nothing", make);
  draft.commit();
  state.draft().keep("nothing", make);

  assert.equal(made, 1);
});

test("KeyedState: a discarded draft disposes what it made and nothing else", () => {
  const { state, commit, gone, disposable } = stage();
  const [kept] = commit("a");

  const draft = state.draft();
  assert.equal(
    draft.keep("a", () => disposable("another a")),
    kept,
  );
  draft.keep("b", () => disposable("b"));
  draft.discard();
  draft.discard();

  assert.deepEqual(gone, ["b"]);
  assert.deepEqual(commit("a"), [kept]);
});

test("KeyedState: a draft whose making throws can be discarded", () => {
  const { state, gone, disposable } = stage();

  const draft = state.draft();
  draft.keep("a", () => disposable("a"));
  assert.throws(() =>
    draft.keep("b", () => {
      throw new Error("no");
    }),
  );
  draft.discard();

  assert.deepEqual(gone, ["a"]);
});

test("KeyedState: a draft from before another's commit cannot be committed, only discarded", () => {
  const { state, commit, gone, disposable } = stage();
  const stale = state.draft();
  stale.keep("old", () => disposable("old"));

  const [a] = commit("a");
  assert.throws(() => stale.commit(), /has changed/);
  stale.discard();

  assert.deepEqual(gone, ["old"]);
  assert.deepEqual(commit("a"), [a]);
});

test("KeyedState: a draft that is over keeps nothing more", () => {
  const { state } = stage();
  const draft = state.draft();
  draft.commit();

  draft.discard(); // after a commit there is nothing to discard
  assert.throws(() => draft.commit(), /over/);
  assert.throws(() => draft.keep("a", () => 1), /over/);
});

test("KeyedState: a thing that fails to be disposed takes no other with it", async () => {
  const { state, gone, warnings, disposable } = stage();
  const draft = state.draft();
  draft.keep("first", () => disposable("first"));
  draft.keep("throws", () => ({
    [Symbol.dispose]() {
      throw new Error("no");
    },
  }));
  draft.keep("rejects", () => ({ [Symbol.asyncDispose]: () => Promise.reject(new Error("no")) }));
  draft.keep("plain", () => 7);
  draft.keep("slow", () => ({
    [Symbol.asyncDispose]: async () => {
      await Promise.resolve();
      gone.push("slow");
    },
  }));
  draft.commit();

  await state[Symbol.asyncDispose]();

  assert.deepEqual(gone, ["first", "slow"]);
  assert.deepEqual(warnings, ["throws", "rejects"]);
});
