/** The entry of the thread that checks passwords: one after the other, in the order they come. */
import { parentPort } from "node:worker_threads";
import { checkPassword } from "./check-password.ts";
import type { PasswordAnswer, PasswordQuestion } from "./hash-thread.ts";

parentPort!.on("message", ({ number, password, hash }: PasswordQuestion) => {
  let holds: boolean | undefined;
  try {
    holds = checkPassword(password, hash);
  } catch {
    holds = undefined; // memory, mostly: nobody can tell
  }
  parentPort!.postMessage({ number, holds } satisfies PasswordAnswer);
});
