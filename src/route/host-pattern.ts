import { domainToASCII } from "node:url";
import { Pattern, patternProblem } from "../base/pattern/pattern.ts";
import { parseAuthority } from "../protocol/http/authority.ts";

/** "*" for any host; "*.example.com" for every name below it; else one host. In the form requests have. */
export function canonicalHost(source: string): string | undefined {
  if (source === "*") return source;
  const isWildcard = source.startsWith("*.");
  const name = isWildcard ? source.slice("*.".length) : source;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: whatever is outside ASCII
  const ascii = /[^\x00-\x7f]/.test(name) ? domainToASCII(name) : name;
  const authority = parseAuthority(ascii, "http");
  if (
    authority === undefined ||
    authority.port !== 0 ||
    /:[0-9]+$/.test(ascii.replace(/^\[.*\]/, ""))
  )
    return undefined;
  const isAddress = authority.host.startsWith("[") || /^[0-9.]+$/.test(authority.host);
  if (isWildcard && isAddress) return undefined;
  return isWildcard ? `*.${authority.host}` : authority.host;
}

/** What is wrong with a host as written; undefined if nothing is. */
export function hostProblem(source: string): string | undefined {
  if (canonicalHost(source) !== undefined) return undefined;
  return 'must be a host without a port, such as "shop.example.com", "*.example.com" or "*"';
}

/** A site's host has to be found by lookup; a route's may be an expression as well. */
export function routeHostProblem(source: string): string | undefined {
  return source.startsWith("~") ? patternProblem(source.slice(1)) : hostProblem(source);
}

/** Throws on what routeHostProblem refuses. */
export function hostTest(source: string): (host: string) => boolean {
  if (source.startsWith("~")) {
    const pattern = new Pattern(source.slice(1));
    return (host) => pattern.test(host);
  }
  const wanted = canonicalHost(source);
  if (wanted === undefined)
    throw new TypeError(`Cannot use the host ${source}: ${hostProblem(source)}`);
  if (wanted === "*") return () => true;
  if (!wanted.startsWith("*.")) return (host) => host === wanted;
  const suffix = wanted.slice(1);
  return (host) => host.length > suffix.length && host.endsWith(suffix);
}
