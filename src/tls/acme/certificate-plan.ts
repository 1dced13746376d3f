import type { ChallengeKind } from "./challenge.ts";

/**
 * Which certificates to ask for: one for each name, so that a name that cannot be proven stands in
 * no other one's way, nobody reads the names of the neighbours in a certificate, and a site that
 * comes or goes changes no certificate but its own. A wildcard is preferred where it covers: its
 * names need none of their own, and the orders that a CA allows go further.
 */
export function certificatesFor(
  names: Iterable<string>,
  challenges: readonly ChallengeKind[],
): readonly string[] {
  const wanted = new Set(names);
  if (!challenges.includes("dns-01")) return [...wanted].toSorted();
  return [...wanted].filter((name) => !isCovered(name, wanted)).toSorted();
}

/** A wildcard stands for exactly one label (RFC 6125 §6.4.3). */
function isCovered(name: string, wanted: ReadonlySet<string>): boolean {
  const dot = name.indexOf(".");
  return dot > 0 && !name.startsWith("*.") && wanted.has(`*${name.slice(dot)}`);
}
