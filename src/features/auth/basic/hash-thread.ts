import { Worker } from "node:worker_threads";
import type { Log } from "../../../base/world.ts";
import type { PasswordHash } from "./password-hash.ts";

export interface PasswordQuestion {
  readonly number: number;
  readonly password: string;
  readonly hash: PasswordHash;
}

export interface PasswordAnswer {
  readonly number: number;
  readonly holds: boolean | undefined; // undefined: it could not be told
}

/** Whoever checks passwords. undefined: too many wait; in the promise: it could not be told. */
export interface PasswordChecker {
  check(password: string, hash: PasswordHash): Promise<boolean | undefined> | undefined;
}

const WAITING_MAX = 64;
const HEAP_MIB = 64; // what argon2 and scrypt work on is none of it

/**
 * A thread of its own for passwords, since a check is meant to take long: on the event loop it would
 * hold up everybody, and among the threads that Node has for all it would hold up compression and files.
 * It begins with the first password and does one at a time, so that a flood of them takes one core at
 * most; the line is bounded, and who finds it full is told so at once.
 */
export class HashThread implements PasswordChecker, Disposable {
  readonly #log: Log;
  readonly #waiting: Map<number, (holds: boolean | undefined) => void>;
  #thread: Worker | undefined;
  #count: number;
  #isOver: boolean;

  constructor(log: Log) {
    this.#log = log;
    this.#waiting = new Map();
    this.#thread = undefined;
    this.#count = 0;
    this.#isOver = false;
  }

  /** undefined: too many wait. The promise does not reject; undefined: it could not be told. */
  check(password: string, hash: PasswordHash): Promise<boolean | undefined> | undefined {
    if (this.#waiting.size >= WAITING_MAX || this.#isOver) return undefined;
    this.#thread ??= this.#start();
    const number = this.#count++;
    this.#thread.ref();
    return new Promise((resolve) => {
      this.#waiting.set(number, resolve);
      this.#thread!.postMessage({ number, password, hash } satisfies PasswordQuestion);
    });
  }

  [Symbol.dispose](): void {
    this.#isOver = true;
    if (this.#waiting.size === 0) void this.#thread?.terminate();
  }

  #start(): Worker {
    const thread = new Worker(entry(), {
      name: "sluice passwords",
      resourceLimits: { maxOldGenerationSizeMb: HEAP_MIB },
    });
    thread.on("message", ({ number, holds }: PasswordAnswer) => this.#answered(number, holds));
    thread.on("error", (error) => {
      this.#log.warn("the thread that checks passwords has ended", { error: String(error) });
    });
    thread.on("exit", () => this.#lost(thread));
    return thread;
  }

  #answered(number: number, holds: boolean | undefined): void {
    this.#waiting.get(number)?.(holds);
    this.#waiting.delete(number);
    if (this.#waiting.size > 0) return;
    this.#thread?.unref(); // it holds the process only while somebody waits
    if (this.#isOver) void this.#thread?.terminate();
  }

  /** The next password begins another one. */
  #lost(thread: Worker): void {
    if (this.#thread !== thread) return;
    this.#thread = undefined;
    for (const tell of this.#waiting.values()) tell(undefined);
    this.#waiting.clear();
  }
}

const ENTRY = new URL("./hash-entry.ts", import.meta.url);

/** Compiled or not, it lies beside this file. */
function entry(): URL {
  return import.meta.url.endsWith(".ts") ? ENTRY : new URL("./hash-entry.js", import.meta.url);
}
