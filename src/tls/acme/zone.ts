import type { Asking, NameAnswer, Names } from "../../base/world.ts";

/** A part of the DNS with servers of its own. */
export interface Zone {
  readonly name: string;
  readonly servers: readonly string[]; // their names
}

const LABELS_MAX = 127;
const ALIASES_MAX = 8;

/** The closest one above a name; undefined where nobody could say, or there is none. */
export async function zoneOf(
  names: Names,
  name: string,
  asking: Asking,
): Promise<Zone | undefined> {
  const labels = name.split(".").slice(0, LABELS_MAX);
  for (let from = 0; from < labels.length; from++) {
    const candidate = labels.slice(from).join(".");
    const found = await names.texts("NS", candidate, asking);
    if (found.kind === "found") return { name: candidate, servers: found.records };
    if (found.kind === "failed") return undefined; // a zone above it would be the wrong one
  }
  return undefined;
}

/**
 * Where a record for this name has to go: somebody may have handed it on with an alias, into a zone
 * that may be changed more freely. Throws where aliases go round, or on and on.
 */
export async function aliasOf(names: Names, name: string, asking: Asking): Promise<string> {
  const seen = [name];
  for (;;) {
    const last = seen.at(-1)!;
    const found: NameAnswer<string> = await names.texts("CNAME", last, asking);
    const [next] = found.kind === "found" ? found.records : [];
    if (next === undefined) return last;
    const plain = next.toLowerCase().replace(/\.$/, "");
    if (seen.includes(plain)) throw new Error(`the aliases of ${name} go round`);
    if (seen.length > ALIASES_MAX) throw new Error(`the aliases of ${name} go on and on`);
    seen.push(plain);
  }
}
