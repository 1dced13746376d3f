import { hash } from "node:crypto";
import type { Identity } from "../../../core/identity.ts";
import type { Seal } from "./seal.ts";
import { readSession, type Session } from "./session.ts";

export interface Opened {
  readonly session: Session;
  readonly identity: Identity;
}

const KEPT_MAX = 1_000;

/** Sessions that were opened lately: each page brings the same cookie again and again. */
export class OpenedSessions {
  readonly #seal: Seal;
  readonly #bound: string;
  readonly #identify: (session: Session) => Identity | undefined;
  readonly #kept: Map<string, Opened>; // by the hash of the cookie, the oldest first

  constructor(seal: Seal, bound: string, identify: (session: Session) => Identity | undefined) {
    this.#seal = seal;
    this.#bound = bound;
    this.#identify = identify;
    this.#kept = new Map();
  }

  open(sealed: string): Opened | undefined {
    const key = hash("sha256", sealed, "latin1");
    const kept = this.#kept.get(key);
    if (kept !== undefined) return kept;
    const text = this.#seal.open(sealed, this.#bound);
    const session = text === undefined ? undefined : readSession(text);
    const identity = session && this.#identify(session);
    if (session === undefined || identity === undefined) return undefined;
    if (this.#kept.size >= KEPT_MAX) this.#kept.delete(this.#kept.keys().next().value!);
    const opened = { session, identity };
    this.#kept.set(key, opened);
    return opened;
  }
}
