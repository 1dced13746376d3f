import type { World } from "../../../base/world.ts";
import type { RefreshMarks } from "./refresh-marks.ts";
import type { Session } from "./session.ts";

/** What became of a session that wanted new tokens. */
export type Refreshed =
  | { readonly kind: "new"; readonly session: Session }
  | { readonly kind: "same" } // somebody else has done it, or nobody can for now
  | { readonly kind: "over"; readonly why: string }; // the provider wants a login

export type Refresh = (session: Session) => Promise<Refreshed>;

const GRACE_S = 60; // who comes meanwhile goes on with what there is
export const OUTAGE_S = 600; // so long a session outlives its tokens while the provider is down
const RETRY_S = 10;
const KEPT_MAX = 1_000; // a session is some KiB

interface Kept {
  readonly refreshed: Refreshed;
  readonly atS: number;
}

/**
 * Gets new tokens for sessions, for each of them once: of the requests that come with an old cookie
 * one asks, and those that come after it get what it got, since their cookie is still the old one.
 */
export class Refreshes {
  readonly #clock: World["clock"];
  readonly #marks: RefreshMarks;
  readonly #asking: Map<string, Promise<Refreshed>>;
  readonly #kept: Map<string, Kept>; // the oldest first

  constructor(clock: World["clock"], marks: RefreshMarks) {
    this.#clock = clock;
    this.#marks = marks;
    this.#asking = new Map();
    this.#kept = new Map();
  }

  /** undefined: it wants nothing, or has to wait for nobody. */
  of(session: Session, refresh: Refresh): Refreshed | Promise<Refreshed> | undefined {
    const { id, version, refreshS } = session;
    const nowS = this.#nowS;
    if (refreshS === 0 || nowS < refreshS) return undefined;
    const key = `${id} ${version}`;
    const kept = this.#kept.get(key);
    const keptS = kept?.refreshed.kind === "same" ? RETRY_S : GRACE_S;
    if (kept !== undefined && nowS - kept.atS < keptS) return kept.refreshed;
    const asking = this.#asking.get(key);
    if (asking !== undefined) return nowS < refreshS + GRACE_S ? undefined : asking;
    if (!this.#marks.claim(key, nowS)) return undefined;
    const mine = this.#ask(key, session, refresh);
    this.#asking.set(key, mine);
    return mine;
  }

  async #ask(key: string, session: Session, refresh: Refresh): Promise<Refreshed> {
    try {
      const refreshed = await refresh(session);
      if (refreshed.kind === "same") this.#marks.release(key);
      this.#keep(key, { refreshed, atS: this.#nowS });
      return refreshed;
    } finally {
      this.#asking.delete(key);
    }
  }

  #keep(key: string, kept: Kept): void {
    this.#kept.delete(key);
    if (this.#kept.size >= KEPT_MAX) this.#kept.delete(this.#kept.keys().next().value!);
    this.#kept.set(key, kept);
  }

  get #nowS(): number {
    return Math.floor(this.#clock.wallMs() / 1000);
  }
}
