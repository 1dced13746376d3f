// RFC 9110 §9.2.1; what we do not know may change anything (RFC 9111 §4.4).
const SAFE = new Set(["GET", "HEAD", "OPTIONS", "TRACE"]);

/** §4.4: an answer that is no error, to a method that may change things. */
export function invalidates(method: string, status: number): boolean {
  return !SAFE.has(method) && status >= 200 && status < 400;
}

/**
 * What Location or Content-Location names, as far as it is of the same origin: another's must not be
 * thrown out on our word, or any site could empty any other's cache (RFC 9111 §4.4).
 */
export function sameOriginTarget(
  reference: string | undefined,
  target: string,
): { readonly path: string; readonly query: string } | undefined {
  if (reference === undefined) return undefined;
  const base = URL.parse(target);
  const url = base === null ? null : URL.parse(reference, base);
  if (base === null || url === null || url.origin !== base.origin) return undefined;
  return { path: url.pathname, query: url.search.slice(1) };
}
