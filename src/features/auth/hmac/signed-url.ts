/** URLs that are good until a certain time: made by whoever has the secret, shown by whoever has the URL. */
import { queryValue, withoutParameter } from "../../../protocol/http/query.ts";
import { macOf } from "./secret-keys.ts";

// Names that no application has. The last one ends as names do that the access log redacts.
export const EXPIRES = "sluice_expires";
export const KEY = "sluice_key";
export const PREFIX = "sluice_prefix";
export const SIGNATURE = "sluice_signature";

const OURS = [EXPIRES, KEY, PREFIX, SIGNATURE];

/** What of a URL is signed. */
export interface UrlParts {
  readonly host: string; // lower case, no port
  readonly path: string; // canonical
  readonly query: string; // without what is ours
}

export interface UrlClaim {
  readonly keyId: string;
  readonly expires: number; // seconds of Unix time
  /** The URL is good for all paths below it, whatever the query; undefined: for this one. */
  readonly prefix: string | undefined;
  readonly signature: Buffer;
}

/** What a query claims; undefined: nothing of this kind, "malformed": something that cannot hold. */
export function claimOf(query: string): UrlClaim | undefined | "malformed" {
  if (!query.includes(SIGNATURE)) return undefined;
  const signature = queryValue(query, SIGNATURE);
  if (signature === undefined) return undefined;
  const keyId = queryValue(query, KEY);
  const expires = queryValue(query, EXPIRES);
  const isSound =
    /^[A-Za-z0-9_-]{43}$/.test(signature) &&
    /^[0-9]{1,12}$/.test(expires ?? "") &&
    keyId !== undefined;
  if (!isSound || isRepeated(query)) return "malformed";
  return {
    keyId,
    expires: Number(expires),
    prefix: queryValue(query, PREFIX),
    signature: Buffer.from(signature, "base64url"),
  };
}

/** Of two that differ, the upstream might look at the other. */
function isRepeated(query: string): boolean {
  return OURS.some((name) => query.split(`${name}=`).length > 2);
}

export function withoutOurs(query: string): string {
  return OURS.reduce(withoutParameter, query);
}

/** A prefix ends with "/": "/videos/42/" is no part of "/videos/420/". */
export function covers(prefix: string, path: string): boolean {
  return prefix.startsWith("/") && prefix.endsWith("/") && path.startsWith(prefix);
}

/** Each part is on a line of its own, and none can have a line break. */
export function signedText(
  { host, path, query }: UrlParts,
  { keyId, expires, prefix }: Omit<UrlClaim, "signature">,
): string {
  const what = prefix === undefined ? ["url", path, query] : ["prefix", prefix, ""];
  return ["sluice-url-v1", keyId, String(expires), host, ...what].join("\n");
}

/** The query with what makes it good. */
export function signQuery(
  parts: UrlParts,
  claim: Omit<UrlClaim, "signature">,
  secret: string,
): string {
  const signature = macOf(secret, signedText(parts, claim)).toString("base64url");
  const added = [
    `${EXPIRES}=${claim.expires}`,
    `${KEY}=${encodeURIComponent(claim.keyId)}`,
    ...(claim.prefix === undefined ? [] : [`${PREFIX}=${encodeURIComponent(claim.prefix)}`]),
    `${SIGNATURE}=${signature}`,
  ].join("&");
  return parts.query === "" ? added : `${parts.query}&${added}`;
}
