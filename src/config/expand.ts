/**
 * `${ENV}`, `${ENV:-default}` and `${file:/run/secrets/x}` in string values, expanded once: what
 * comes out is never looked at again, so a secret that holds "${" stays as it is. `$${` is a
 * plain `${`.
 */
import { readFileSync, statSync } from "node:fs";
import { resolve } from "node:path";
import type { Path } from "../core/feature.ts";
import { cannotUse, type Finding, pathText } from "./problems.ts";

export const DEPTH_MAX = 64; // nested maps and lists; a real config has ten

export interface Surroundings {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly folder: string; // what a relative ${file:…} starts from
}

export interface Expansion {
  readonly written: string; // as in the config, for messages: the value may be a secret
  readonly whole: boolean; // nothing but one ${…}, so it may stand for a number or a boolean
}

export interface Expanded {
  readonly value: unknown;
  readonly expansions: ReadonlyMap<string, Expansion>; // by pathText
  readonly findings: readonly Finding[];
}

const FILE_BYTES_MAX = 64 * 1024; // a secret, not a data set
const VALUES_MAX = 2_000_000; // of a config made by code; a YAML file has its own limits

export function expand(value: unknown, surroundings: Surroundings): Expanded {
  const expander = new Expander(surroundings);
  const result = expander.expand(value, []);
  const { expansions, findings, isHostile } = expander;
  return { value: isHostile ? undefined : result, expansions, findings };
}

class Expander {
  readonly expansions = new Map<string, Expansion>();
  readonly findings: Finding[] = [];
  readonly #surroundings: Surroundings;
  #valueCount = 0;
  isHostile = false; // nothing in it is worth a look

  constructor(surroundings: Surroundings) {
    this.#surroundings = surroundings;
  }

  expand(value: unknown, path: Path): unknown {
    if (typeof value === "string") return this.#text(value, path);
    if (typeof value !== "object" || value === null) return value;
    this.#valueCount += 1;
    // Also what an object that contains itself comes to.
    if (path.length > DEPTH_MAX || this.#valueCount > VALUES_MAX) this.#stop(path);
    if (this.isHostile) return undefined;
    if (Array.isArray(value))
      return value.map((item, index) => this.expand(item, [...path, index]));
    return isPlain(value) ? this.#map(value, path) : value;
  }

  #stop(path: Path): void {
    if (this.isHostile) return;
    this.isHostile = true;
    const message =
      "Cannot read the config: must not contain itself, nor be nested or repeated so much";
    this.findings.splice(0, Number.POSITIVE_INFINITY, { at: path.slice(0, 4), message });
  }

  #map(value: object, path: Path): Record<string, unknown> {
    const result: Record<string, unknown> = {};
    for (const [key, item] of Object.entries(value)) {
      if (key === "__proto__") {
        this.findings.push(cannotUse(path, "must not have __proto__ as a key", "key"));
        continue;
      }
      result[key] = this.expand(item, [...path, key]);
    }
    return result;
  }

  #text(text: string, path: Path): string {
    if (!text.includes("${")) return text;
    let found = 0;
    const result = text.replace(/\$\$\{|\$\{([^}]*)(\})?/g, (all, inner?: string, end?: string) => {
      if (inner === undefined) return "${";
      found += 1;
      const value = end === undefined ? undefined : this.#lookUp(inner, path);
      if (end === undefined) this.#refuse(path, `must close "\${" with "}" or write it as "$\${"`);
      return value ?? all;
    });
    const whole = found === 1 && /^\$\{[^}]*\}$/.test(text);
    if (found > 0) this.expansions.set(pathText(path), { written: text, whole });
    return result;
  }

  #lookUp(inner: string, path: Path): string | undefined {
    if (inner.startsWith("file:")) return this.#file(inner.slice("file:".length), path);
    const [all, name = "", fallback] = /^([A-Za-z_][A-Za-z0-9_]*)(?::-(.*))?$/s.exec(inner) ?? [];
    if (all === undefined) {
      const wanted = `must hold \${NAME}, \${NAME:-default} or \${file:path}, got "\${${inner}}"`;
      return this.#refuse(path, `${wanted}; a plain "\${" is written "$\${"`);
    }
    // As in a shell: ":-" also stands in for a variable that is set to nothing.
    const value = Object.hasOwn(this.#surroundings.env, name)
      ? this.#surroundings.env[name]
      : undefined;
    if (fallback !== undefined) return value || fallback;
    return value ?? this.#refuse(path, `the environment variable ${name} must be set`);
  }

  #file(name: string, path: Path): string | undefined {
    const file = resolve(this.#surroundings.folder, name);
    try {
      const about = statSync(file); // a device or a pipe could hold us up for ever
      if (!about.isFile()) return this.#refuse(path, `must name a plain file, got ${file}`);
      if (about.size > FILE_BYTES_MAX) {
        return this.#refuse(path, `must name a file of at most 64KiB, got ${about.size} bytes`);
      }
      const text = new TextDecoder("utf-8", { fatal: true }).decode(readFileSync(file));
      return text.replace(/\r?\n$/, ""); // editors and `echo` end a secret with a newline
    } catch (error) {
      return this.#refuse(path, `must name a file that can be read, got ${whyUnreadable(error)}`);
    }
  }

  #refuse(path: Path, wanted: string): undefined {
    this.findings.push(cannotUse(path, wanted));
    return undefined;
  }
}

/** Object literals of any realm; not dates, maps, class instances or functions. */
export function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

/** "ENOENT: no such file or directory, open '/x'", or the message of any other error. */
export function whyUnreadable(error: unknown): string {
  return error instanceof Error ? error.message.split("\n", 1)[0]! : String(error);
}
