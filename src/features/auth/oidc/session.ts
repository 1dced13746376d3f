import { randomBytes } from "node:crypto";
import { BadToken, type Claims, readToken } from "../../../protocol/jwt/token.ts";

/** What a browser keeps for us of one login. Seconds of wall time: it outlives us. */
export interface Session {
  readonly id: string; // made by chance at each login: none is taken over from before it (fixation)
  readonly version: number; // counts how often it was refreshed
  readonly begunS: number;
  readonly seenS: number; // written down again only once it is a good deal older
  readonly refreshS: number; // when its tokens want to be got anew; 0: never
  readonly idToken: string; // the claims are in it
  readonly more: Claims | undefined; // those that the userinfo endpoint has told
  readonly refreshToken: string | undefined;
  readonly accessToken: string | undefined; // where the upstream is told
}

export interface SessionTimes {
  readonly idleS: number;
  readonly absoluteS: number;
}

export function newSessionId(): string {
  return randomBytes(16).toString("base64url");
}

export function isOver({ begunS, seenS }: Session, times: SessionTimes, nowS: number): boolean {
  return nowS - begunS >= times.absoluteS || nowS - seenS >= times.idleS;
}

/** So much of the idle time may pass until the browser is told that it was seen. */
const SEEN_PART = 10;

export function isWorthSeeing({ seenS }: Session, { idleS }: SessionTimes, nowS: number): boolean {
  return (nowS - seenS) * SEEN_PART >= idleS;
}

/** For how long the browser is to keep it. */
export function maxAgeS(session: Session, times: SessionTimes, nowS: number): number {
  const left = session.begunS + times.absoluteS - nowS;
  return Math.max(0, Math.min(left, times.idleS));
}

/** What was verified when the session began, or was refreshed; undefined for what another release wrote. */
export function claimsOf({ idToken, more }: Session): Claims | undefined {
  const token = readToken(idToken);
  if (token instanceof BadToken) return undefined;
  if (more === undefined) return token.claims;
  // What is signed is not to be said otherwise by what is not.
  return Object.assign(Object.create(null), more, token.claims);
}

const FORMAT = 1;

export function sessionText(session: Session): string {
  return JSON.stringify({ format: FORMAT, ...session });
}

/** What sessionText() wrote; undefined for what another release did. */
export function readSession(text: string): Session | undefined {
  const { format, ...session } = JSON.parse(text) as Session & { format: number }; // sealed by us
  return format === FORMAT ? session : undefined;
}
