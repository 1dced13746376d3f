import type { HeaderList } from "../http/header-list.ts";
import {
  type CacheControl,
  cacheControlOf,
  type Directive,
  parseCacheControl,
  SECONDS_MAX,
} from "./cache-control.ts";
import { type Bare, parseDictionary } from "./structured-dictionary.ts";

/** The directives that hold for us, and whether a field meant for caches like us said them. */
export interface ControlInForce {
  readonly control: CacheControl;
  /** Then Cache-Control, Expires and Pragma say nothing to us (RFC 9213 §2.2). */
  readonly isTargeted: boolean;
}

/**
 * RFC 9213 §2.2: the first of `targets` that is there and valid; where there is none, Cache-Control.
 * `targets`: field names, the nearest to us first.
 */
export function controlInForce(headers: HeaderList, targets: readonly string[]): ControlInForce {
  for (const name of targets) {
    const values = headers.all(name);
    if (values.length === 0) continue;
    const control = parseTargeted(values);
    if (control !== undefined) return { control, isTargeted: true };
  }
  return { control: parseCacheControl(headers.all("cache-control")), isTargeted: false };
}

const SECONDS = new Set([...["max-age", "s-maxage", "stale-while-revalidate", "stale-if-error"]]);

/** A dictionary of structured fields; undefined if it is none, is empty or has a value amiss. */
export function parseTargeted(values: readonly string[]): CacheControl | undefined {
  const members = parseDictionary(values.join(", "));
  if (members === undefined || members.size === 0) return undefined;
  const found: Directive[] = [];
  for (const [name, value] of members) {
    const directive = directiveOf(name, value);
    if (directive === "wrong") return undefined;
    if (directive !== undefined) found.push(directive);
  }
  return cacheControlOf(found);
}

/** undefined: it says no, or means nothing to us. */
function directiveOf(name: string, value: Bare): Directive | "wrong" | undefined {
  if (SECONDS.has(name)) {
    if (value.kind !== "integer") return "wrong";
    const seconds = Math.min(Math.max(value.value, 0), SECONDS_MAX);
    return { name, argument: String(seconds) };
  }
  if (value.kind === "boolean") return value.value ? { name, argument: undefined } : undefined;
  if (value.kind === "string" || value.kind === "token") return { name, argument: value.value };
  return undefined;
}
