import type { Identity } from "../../../core/identity.ts";
import { claimText } from "../../../core/identity.ts";
import type { HeaderList } from "../../../protocol/http/header-list.ts";
import { type Opened, OpenedSessions } from "./opened-sessions.ts";
import type { OwnCookie } from "./own-cookies.ts";
import type { Seal } from "./seal.ts";
import {
  claimsOf,
  isOver,
  isWorthSeeing,
  maxAgeS,
  type Session,
  type SessionTimes,
  sessionText,
} from "./session.ts";

const REFRESH_SOON_S = 60;

/** Sessions as browsers bring them and take them. */
export class Sessions {
  readonly #cookie: OwnCookie;
  readonly #seal: Seal;
  readonly #bound: string;
  readonly #times: SessionTimes;
  readonly #nameClaim: string;
  readonly #opened: OpenedSessions;

  /** `bound`: whose they are; no other client's sessions are taken for ours. */
  constructor(
    cookie: OwnCookie,
    seal: Seal,
    {
      bound,
      times,
      nameClaim,
    }: {
      readonly bound: string;
      readonly times: SessionTimes;
      readonly nameClaim: string;
    },
  ) {
    this.#cookie = cookie;
    this.#seal = seal;
    this.#bound = bound;
    this.#times = times;
    this.#nameClaim = nameClaim;
    this.#opened = new OpenedSessions(seal, bound, (session) => this.identityOf(session));
  }

  /** undefined: there is none, it is over, or it is not ours. */
  find(headers: HeaderList, nowS: number): Opened | undefined {
    const sealed = this.#cookie.read(headers);
    const opened = sealed === undefined ? undefined : this.#opened.open(sealed);
    return opened === undefined || isOver(opened.session, this.#times, nowS) ? undefined : opened;
  }

  identityOf(session: Session): Identity | undefined {
    const claims = claimsOf(session);
    if (claims === undefined) return undefined;
    const unnamed = { method: "oidc", name: "", claims };
    return { ...unnamed, name: claimText(unnamed, this.#nameClaim) };
  }

  /** Set-Cookie for it; undefined: it is too long to be kept. */
  write(session: Session, headers: HeaderList, nowS: number): readonly string[] | undefined {
    const sealed = this.#seal.seal(sessionText(session), this.#bound);
    return this.#cookie.write(sealed, headers, maxAgeS(session, this.#times, nowS));
  }

  /**
   * Set-Cookie that it was seen, now and then. Not close to a refresh: this cookie might arrive after the
   * new one, and bring back a refresh token that has been used.
   */
  see(session: Session, headers: HeaderList, nowS: number): readonly string[] {
    const isSoon = session.refreshS !== 0 && nowS > session.refreshS - REFRESH_SOON_S;
    if (isSoon || !isWorthSeeing(session, this.#times, nowS)) return [];
    return this.write({ ...session, seenS: nowS }, headers, nowS) ?? [];
  }

  remove(headers: HeaderList): readonly string[] {
    return this.#cookie.remove(headers);
  }
}
