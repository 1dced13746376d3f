import { createHmac, randomBytes } from "node:crypto";
import type { Identity } from "../../../core/identity.ts";
import type { Proven } from "../auth-method.ts";
import { decoyOf, HAS_ARGON2, type PasswordHash, parsePasswordHash } from "./password-hash.ts";

/** A user as the config or a file has it. */
export interface UserEntry {
  readonly name: string;
  readonly text: string; // of the hash, as written
  readonly hash: PasswordHash;
  readonly claims: Readonly<Record<string, unknown>>;
}

export interface User {
  readonly text: string;
  readonly hash: PasswordHash;
  readonly proof: Proven;
}

/** Users by their names, and for every other name a hash that costs as much as one of theirs. */
export class UserList {
  readonly #users: ReadonlyMap<string, User>;
  readonly #hashes: readonly PasswordHash[];
  readonly #key: Buffer;

  constructor(entries: readonly UserEntry[]) {
    const users = new Map<string, User>();
    for (const { name, text, hash, claims } of entries) {
      const bare = Object.assign(Object.create(null) as Record<string, unknown>, claims);
      const identity: Identity = { method: "basic", name, claims: bare };
      users.set(name, { text, hash, proof: { kind: "proven", identity } });
    }
    this.#users = users;
    this.#hashes = entries.map(({ hash }) => hash);
    this.#key = randomBytes(16);
  }

  find(name: string): User | undefined {
    return this.#users.get(name);
  }

  /**
   * So that a wrong name takes as long as a wrong password (SECURITY A6). A name always gets the same
   * of our hashes, for users may have hashes of different cost.
   */
  decoyFor(name: string): PasswordHash | undefined {
    if (this.#hashes.length === 0) return undefined;
    const word = createHmac("sha256", this.#key).update(name).digest().readUInt32LE();
    return decoyOf(this.#hashes[word % this.#hashes.length]!);
  }
}

export const USER_NAME = /^[^:\s\p{Cc}](?:[^:\p{Cc}]{0,254}[^:\s\p{Cc}])?$/u;

/** As parsePasswordHash(), and whether this Node can check it. */
export function usableHash(text: string): PasswordHash | string {
  const hash = parsePasswordHash(text);
  if (typeof hash === "string" || hash.kind !== "argon2" || HAS_ARGON2) return hash;
  return "is an argon2 hash, which needs Node 24.7 or newer";
}

/** As htpasswd writes it: NAME:HASH a line. Throws with what is wrong, and shows no hash. */
export function parseUserFile(text: string): UserEntry[] {
  const entries = new Map<string, UserEntry>();
  for (const [index, raw] of text.split("\n").entries()) {
    const line = raw.trim();
    if (line === "" || line.startsWith("#")) continue;
    const colon = line.indexOf(":");
    const name = line.slice(0, colon);
    const where = `line ${index + 1}`;
    if (colon < 0 || !USER_NAME.test(name)) throw new Error(`${where} must be NAME:HASH`);
    if (entries.has(name)) throw new Error(`${where} has a name that was there before`);
    const hashText = line.slice(colon + 1);
    const hash = usableHash(hashText);
    if (typeof hash === "string") throw new Error(`${where} ${hash}`);
    entries.set(name, { name, text: hashText, hash, claims: {} });
  }
  return [...entries.values()];
}
