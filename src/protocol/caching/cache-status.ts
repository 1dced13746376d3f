/** Why a request went on to the origin (RFC 9211 §2.2). */
export type Forwarded =
  | "bypass"
  | "method"
  | "uri-miss"
  | "vary-miss"
  | "request"
  | "stale"
  | "partial";

/** One member of Cache-Status (RFC 9211), of a cache of that name. */
export interface CacheStatus {
  readonly forwarded?: Forwarded; // absent: it was a hit
  readonly forwardedStatus?: number; // what the origin answered, where the client gets another
  readonly ttlSeconds?: number; // below 0 where it was stale
  readonly isStored?: boolean;
  readonly isCollapsed?: boolean;
  readonly detail?: string; // a token
}

export function cacheStatusText(cache: string, status: CacheStatus): string {
  const { forwarded, forwardedStatus, ttlSeconds, isStored, isCollapsed, detail } = status;
  let text = cache;
  text += forwarded === undefined ? "; hit" : `; fwd=${forwarded}`;
  if (forwardedStatus !== undefined) text += `; fwd-status=${forwardedStatus}`;
  if (ttlSeconds !== undefined) text += `; ttl=${ttlSeconds}`;
  if (isStored === true) text += "; stored";
  if (isCollapsed === true) text += "; collapsed";
  if (detail !== undefined) text += `; detail=${detail}`;
  return text;
}
