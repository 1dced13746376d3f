/** Whether a password fits a hash. Takes as long as the hash wants: for a thread that has the time. */
import * as crypto from "node:crypto";
import { createRequire } from "node:module";
import { type PasswordHash, scryptKib } from "./password-hash.ts";

export function checkPassword(password: string, hash: PasswordHash): boolean {
  if (hash.kind === "bcrypt") return bcrypt().compareSync(password, hash.text); // in constant time, by itself
  return crypto.timingSafeEqual(digestOf(password, hash), hash.digest);
}

type Bcrypt = typeof import("bcryptjs");

const require = createRequire(import.meta.url);
let loaded: Bcrypt | undefined;

/** Loaded by the first who has such a hash. */
function bcrypt(): Bcrypt {
  loaded ??= require("bcryptjs") as Bcrypt;
  return loaded;
}

export function digestOf(
  password: string,
  hash: Exclude<PasswordHash, { readonly kind: "bcrypt" }>,
): Uint8Array {
  const { salt, digest, parallelism } = hash;
  if (hash.kind === "scrypt") {
    const maxmem = scryptKib(hash) * 1024 + 1024 * 1024 * (1 + hash.parallelism);
    const options = { N: 2 ** hash.costLog2, r: hash.blockSize, p: parallelism, maxmem };
    return crypto.scryptSync(password, salt, digest.length, options);
  }
  return crypto.argon2Sync(hash.name, {
    message: password,
    nonce: salt,
    parallelism,
    tagLength: digest.length,
    memory: hash.memoryKib,
    passes: hash.passes,
  });
}
