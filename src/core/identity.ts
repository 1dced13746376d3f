/**
 * Who sent a request, as something here has verified: an `auth` method, or the handshake. Never what
 * the client says of itself.
 */
export interface Identity {
  readonly method: string; // the key of what verified it: "basic", "jwt", "mtls"
  readonly name: string; // the user, subject or key's name; for the log and for keys of limits
  /** What is known beside the name: of a token its claims. Made with no prototype. */
  readonly claims: Readonly<Record<string, unknown>>;
  /** What else was asked for and verified, where several methods are. */
  readonly others?: readonly Identity[];
}

/** What that method has verified, among all that was. */
export function identityBy(identity: Identity | undefined, method: string): Identity | undefined {
  if (identity === undefined || identity.method === method) return identity;
  return identity.others?.find((other) => other.method === method);
}

/** A claim as text, by its name or a path into it ("realm.roles"); "" where there is none. */
export function claimText(identity: Identity | undefined, path: string): string {
  if (identity === undefined) return "";
  return textOf(claimAt(identity.claims, path));
}

/** A claim, whole name first: names such as "https://example.com/role" have dots of their own. */
export function claimAt(claims: Readonly<Record<string, unknown>>, path: string): unknown {
  if (Object.hasOwn(claims, path)) return claims[path];
  let value: unknown = claims;
  for (const name of path.split(".")) {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, name))
      return undefined;
    value = (value as Record<string, unknown>)[name];
  }
  return value;
}

function textOf(value: unknown): string {
  if (typeof value === "string") return value;
  if (typeof value === "number" || typeof value === "boolean") return String(value);
  if (!Array.isArray(value)) return "";
  return value
    .map(textOf)
    .filter((text) => text !== "")
    .join(",");
}
