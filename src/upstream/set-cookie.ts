import type { Exchange } from "../core/exchange.ts";

export interface CookieShape {
  readonly cookie: string; // its name
  readonly attributes: string; // "; Path=/; HttpOnly", as they follow the value
  readonly isSecure: boolean | undefined; // undefined: for clients that came over HTTPS
}

/** Gives the client a cookie of ours with the response, which is then for this client alone. */
export function setCookie(exchange: Exchange, shape: CookieShape, value: string): void {
  const { request, response } = exchange;
  if (response === undefined) return;
  const { cookie, attributes, isSecure = request.scheme === "https" } = shape;
  const text = `${cookie}=${value}${attributes}${isSecure ? "; Secure" : ""}`;
  response.headers.add("Set-Cookie", text);
  // A cache in front of us would hand one client's cookie to all the others.
  const caching = response.headers.all("cache-control").join();
  if (!/\b(private|no-store)\b/i.test(caching)) response.headers.add("Cache-Control", "private");
}
