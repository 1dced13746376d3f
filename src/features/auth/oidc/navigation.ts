import type { Exchange } from "../../../core/exchange.ts";

/**
 * Does a person wait for a page? Only then does a redirect to a login help; a program would follow it to
 * a page of HTML, or fail on another origin in a way that says nothing, and needs its 401.
 */
export function isNavigation({ request, downstream }: Exchange): boolean {
  const { method, headers } = request;
  if (method !== "GET" && method !== "HEAD") return false; // its body would be lost
  if (downstream.websocketKey !== undefined) return false;
  if (headers.has("x-requested-with")) return false;
  if (headers.get("sec-purpose")?.includes("prefetch") === true) return false;
  const mode = headers.get("sec-fetch-mode");
  if (mode !== undefined) return mode === "navigate";
  return headers.get("accept")?.includes("text/html") === true;
}

/** Is it this site, or the person, who wants that? A link or a form elsewhere must not log people out. */
export function isOwnWish({ request }: Exchange): boolean {
  const { method, headers, host, port } = request;
  const site = headers.get("sec-fetch-site");
  if (site !== undefined) return site === "same-origin" || site === "none";
  if (method === "GET") return true; // a browser too old to say; all it can do is to end a session
  const origin = headers.get("origin");
  if (method !== "POST" || origin === undefined || !URL.canParse(origin)) return false;
  return new URL(origin).host === (port === 0 ? host : `${host}:${port}`);
}
