import assert from "node:assert/strict";
import { test } from "node:test";
import type { Codec, CodecOpener, CodecTaker } from "../../base/codec.ts";
import { CodecLine } from "./codec-line.ts";

/** Threads that a test works for: each write is done when it says so. */
class Threads {
  readonly at: string[] = []; // whose write is being worked on
  readonly #takers = new Map<string, CodecTaker>();

  opener(name: string): CodecOpener {
    return (taker) => {
      this.#takers.set(name, taker);
      return {
        write: () => this.at.push(name),
        pause: () => {},
        resume: () => {},
        close: () => {},
      };
    };
  }

  took(name: string): void {
    this.at.splice(this.at.indexOf(name), 1);
    this.#takers.get(name)!.took();
  }

  fail(name: string): void {
    this.at.splice(this.at.indexOf(name), 1);
    this.#takers.get(name)!.failed("broken");
  }
}

function setUp(workingMax: number, names: string) {
  const threads = new Threads();
  const line = new CodecLine(workingMax);
  const told: string[] = [];
  const codecs: Record<string, Codec> = {};
  for (const name of names) {
    codecs[name] = line.open(threads.opener(name), {
      out: () => {},
      took: () => told.push(name),
      over: () => told.push(`${name} over`),
      failed: () => told.push(`${name} failed`),
    });
  }
  const write = (each: string) => {
    for (const name of each) codecs[name]!.write(Buffer.from(name), "more");
  };
  return { threads, line, told, codecs, write };
}

test("CodecLine: so many work at once, the others in the order in which they came", () => {
  const { threads, told, write } = setUp(2, "abcd");

  write("abcd");
  assert.deepEqual(threads.at, ["a", "b"]);
  threads.took("b");
  assert.deepEqual(threads.at, ["a", "c"]);
  write("b");
  threads.took("a");
  threads.took("c");

  assert.deepEqual(threads.at, ["d", "b"]);
  assert.deepEqual(told, ["b", "a", "c"]);
});

test("CodecLine: who is held back by a slow client holds up nobody", () => {
  const { threads, codecs, write } = setUp(1, "abc");
  write("ab");

  codecs["a"]!.pause();
  codecs["a"]!.pause();
  assert.deepEqual(threads.at, ["a", "b"]);
  codecs["a"]!.resume();
  threads.took("b");
  write("c");
  assert.deepEqual(threads.at, ["a"], "it counts again");
  threads.took("a");

  assert.deepEqual(threads.at, ["c"]);
});

test("CodecLine: who is paused before its turn takes the turn, and counts for none", () => {
  const { threads, codecs, write } = setUp(1, "abc");
  write("ab");
  codecs["b"]!.pause();

  threads.took("a");
  write("c");
  assert.deepEqual(threads.at, ["b", "c"]);
  threads.took("b");
  threads.took("c");
  write("a");

  assert.deepEqual(threads.at, ["a"]);
});

test("CodecLine: who leaves or fails makes way, whether it waits or works", () => {
  const { threads, told, codecs, write } = setUp(1, "abcd");
  write("abc");

  codecs["b"]!.close();
  codecs["a"]!.close();
  assert.deepEqual(threads.at, ["a", "c"], "the thread is not done with the first one yet");
  threads.fail("c");
  codecs["c"]!.close();
  write("d");

  assert.deepEqual(threads.at, ["a", "d"]);
  assert.deepEqual(told, ["c failed"]);
});

test("CodecLine: it is long when four wait", () => {
  const { line, write, codecs } = setUp(1, "abcdef");

  write("abcd");
  assert.equal(line.isLong, false);
  write("e");
  assert.equal(line.isLong, true);
  codecs["e"]!.close();
  assert.equal(line.isLong, false);
});
