/**
 * YAML text → plain data, with the place of every key and value. The walk over the nodes is ours:
 * it keeps places, finds duplicate keys in linear time, and counts what aliases multiply.
 */
import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  type Node,
  type Pair,
  parseDocument,
  type YAMLMap,
  type YAMLSeq,
} from "yaml";
import type { Path } from "../core/feature.ts";
import { DEPTH_MAX } from "./expand.ts";
import type { Place } from "./place.ts";
import { cannotUse, type Finding } from "./problems.ts";

export interface YamlResult {
  readonly value: unknown;
  readonly root: Place | undefined;
  readonly findings: readonly Finding[];
}

const TEXT_ERRORS_MAX = 5;
const ALIASED_VALUES_MAX = 100_000; // all that aliases repeat, together (billion laughs)

export function readYaml(text: string): YamlResult {
  const document = parseDocument(text, {
    version: "1.2",
    prettyErrors: false,
    uniqueKeys: false, // ours is linear
    logLevel: "error", // "silent" would also keep quiet about a second document
  });
  const findings = textFindings(document);
  if (findings.length > 0) return { value: undefined, root: undefined, findings };
  const reader = new Reader();
  const { value, place } = reader.read(document.contents ?? undefined, [], undefined);
  if (reader.isHostile) return { value: undefined, root: undefined, findings: reader.findings };
  return { value: value ?? undefined, root: place, findings: reader.findings };
}

function textFindings(document: Document): Finding[] {
  // What follows the first errors is mostly their echo.
  const findings = [...document.errors, ...document.warnings]
    .sort((a, b) => a.pos[0] - b.pos[0])
    .slice(0, TEXT_ERRORS_MAX)
    .map((error) => unreadable(error.pos[0], explained(error.code, error.message)));
  const { explicit, version } = document.directives?.yaml ?? {};
  if (explicit && version !== "1.2") findings.push(unreadable(0, "must be YAML 1.2"));
  return findings;
}

function unreadable(offset: number, wanted: string): Finding {
  return { at: [], offset, message: `Cannot read the config: ${wanted}` };
}

const EXPLAINED: Readonly<Record<string, string>> = {
  MULTIPLE_DOCS: "must be one YAML document, got another one after ---",
  TAB_AS_INDENT: "must be indented with spaces, got a tab",
  RESOURCE_EXHAUSTION: "must not be nested so deeply",
  TAG_RESOLVE_FAILED: "must be plain YAML, got a tag that has no meaning here",
};

function explained(code: string, message: string): string {
  return EXPLAINED[code] ?? `must be valid YAML: ${message.replace(/\s+/g, " ")}`;
}

interface Built {
  readonly value: unknown;
  readonly place: Place;
  readonly count: number; // values in it, aliases multiplied out
}

class Reader {
  readonly findings: Finding[] = [];
  isHostile = false; // too deep or too much: there is no value worth a look
  readonly #anchors = new Map<string, Built>();
  #aliased = 0;

  read(node: Node | undefined, path: Path, keyStart: number | undefined): Built {
    const start = node?.range?.[0] ?? keyStart ?? 0;
    const built = this.#build(node, path, { start, keyStart, children: undefined });
    // Set when it is complete, so that nothing can contain itself.
    if (node !== undefined && !isAlias(node) && node.anchor) this.#anchors.set(node.anchor, built);
    return built;
  }

  #build(node: Node | undefined, path: Path, place: Place): Built {
    if (this.isHostile) return { value: undefined, place, count: 1 };
    if (path.length > DEPTH_MAX) {
      return this.#hostile(place, `must not be nested deeper than ${DEPTH_MAX} levels`);
    }
    if (isAlias(node)) return this.#alias(node.source, path, place);
    if (isMap(node)) return this.#map(node, path, place);
    if (isSeq(node)) return this.#list(node, path, place);
    return { value: isScalar(node) ? node.value : undefined, place, count: 1 };
  }

  #refused(path: Path, place: Place, wanted: string): Built {
    this.findings.push({ ...cannotUse(path, wanted), offset: place.start });
    return { value: undefined, place, count: 1 };
  }

  #hostile(place: Place, wanted: string): Built {
    this.isHostile = true;
    this.findings.splice(0, Number.POSITIVE_INFINITY, unreadable(place.start, wanted));
    return { value: undefined, place, count: 1 };
  }

  #alias(source: string, path: Path, place: Place): Built {
    const anchored = this.#anchors.get(source);
    if (anchored === undefined) {
      return this.#refused(path, place, `must be an alias of an anchor above it, got *${source}`);
    }
    this.#aliased += anchored.count;
    if (this.#aliased > ALIASED_VALUES_MAX) {
      return this.#hostile(place, "must not repeat so much by aliases");
    }
    return { ...anchored, place: { ...place, children: anchored.place.children } };
  }

  #list(node: YAMLSeq, path: Path, place: Place): Built {
    const values: unknown[] = [];
    const children = new Map<number, Place>();
    let count = 1;
    for (const [index, item] of node.items.entries()) {
      const built = this.read(item as Node, [...path, index], undefined);
      values.push(built.value);
      children.set(index, built.place);
      count += built.count;
    }
    return { value: values, place: { ...place, children }, count };
  }

  #map(node: YAMLMap, path: Path, place: Place): Built {
    const own = new Map<string, Built>();
    const merged = new Map<string, Built>();
    let count = 1;
    for (const pair of node.items as Pair<Node, Node | null>[]) {
      const key = this.#key(pair.key, path);
      if (key === undefined) continue;
      const keyStart = pair.key.range?.[0];
      const built = this.read(pair.value ?? undefined, [...path, key], keyStart);
      count += built.count;
      if (key === "<<" && isScalar(pair.key) && pair.key.type === "PLAIN") {
        this.#merge(built, path, merged);
      } else if (own.has(key)) {
        const at = [...path, key];
        this.findings.push({ ...cannotUse(at, "must not be given twice"), offset: keyStart ?? 0 });
      } else {
        own.set(key, built);
      }
    }
    return fromEntries(new Map([...merged, ...own]), place, count);
  }

  #key(node: Node, path: Path): string | undefined {
    // A number keeps its spelling: 404 and 8080 are fine keys, and 0x50 is not 80.
    const text = isScalar(node)
      ? typeof node.value === "string"
        ? node.value
        : node.source
      : undefined;
    if (text && text !== "__proto__") return text;
    const offset = node?.range?.[0] ?? 0;
    const wanted = text === "" ? "must have keys that are not empty" : "must have text as keys";
    this.findings.push({
      ...cannotUse(path, text === "__proto__" ? `must not have ${text} as a key` : wanted),
      offset,
    });
    return undefined;
  }

  /** `<<: *base` or `<<: [*one, *two]`: the first that has a key wins, own keys over all. */
  #merge(built: Built, path: Path, merged: Map<string, Built>): void {
    const isList = Array.isArray(built.value);
    const sources = isList ? (built.value as unknown[]) : [built.value];
    for (const [index, source] of sources.entries()) {
      const place = isList ? built.place.children!.get(index)! : built.place;
      if (typeof source !== "object" || source === null || Array.isArray(source)) {
        const at = [...path, "<<"];
        this.findings.push({ ...cannotUse(at, "must merge maps only"), offset: place.start });
        continue;
      }
      for (const [key, value] of Object.entries(source)) {
        if (merged.has(key)) continue;
        merged.set(key, { value, place: place.children!.get(key)!, count: 1 });
      }
    }
  }
}

function fromEntries(entries: ReadonlyMap<string, Built>, place: Place, count: number): Built {
  const value: Record<string, unknown> = {};
  const children = new Map<string, Place>();
  for (const [key, built] of entries) {
    value[key] = built.value;
    children.set(key, built.place);
  }
  return { value, place: { ...place, children }, count };
}
