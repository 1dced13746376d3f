/** `sluice hash-password`: what a config or a file of users holds in place of a password. */
import { digestOf } from "../features/auth/api-key/known-keys.ts";
import { makeHash } from "../features/auth/basic/make-hash.ts";
import { HAS_ARGON2 } from "../features/auth/basic/password-hash.ts";
import { USER_NAME } from "../features/auth/basic/user-list.ts";
import type { AnswerIo } from "./command.ts";
import { readOptions, wrongUsage } from "./options.ts";
import { readSecret } from "./secret-input.ts";

const NAME = "hash-password";
const KINDS = ["argon2id", "scrypt", "sha256"] as const;
const KEY_CHARS_MIN = 16;

/** 0: it is on the output, 1: there was no password, 2: wrong usage. */
export async function hashPassword(args: readonly string[], io: AnswerIo): Promise<number> {
  const options = {
    algorithm: { type: "string", short: "a" },
    user: { type: "string", short: "u" },
  } as const;
  const said = readOptions(NAME, args, options, io);
  if (said === undefined) return 2;
  const { algorithm = HAS_ARGON2 ? "argon2id" : "scrypt", user } = said;
  const kind = KINDS.find((each) => each === algorithm);
  if (kind === undefined)
    return wrongUsage(NAME, `--algorithm must be one of ${KINDS.join(", ")}`, io);
  if (kind === "argon2id" && !HAS_ARGON2) {
    return wrongUsage(NAME, "argon2id needs Node 24.7 or newer; --algorithm scrypt does not", io);
  }
  if (user !== undefined && !USER_NAME.test(user)) {
    return wrongUsage(NAME, "--user must be a name without colons and control characters", io);
  }
  const what = kind === "sha256" ? "Key" : "Password";
  const secret = await readSecret(what, io);
  if (secret === "") throw new Error("there is nothing to hash");
  if (kind === "sha256" && secret.length < KEY_CHARS_MIN) {
    throw new Error(
      `sha256 is for random keys of at least ${KEY_CHARS_MIN} characters, not for passwords`,
    );
  }
  const hash = kind === "sha256" ? digestOf(secret) : makeHash(secret, kind);
  io.stdout.write(`${user === undefined ? "" : `${user}:`}${hash}\n`);
  return 0;
}
