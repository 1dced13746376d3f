/** Fields of a request by which we tell an upstream something that no client may say of itself. */
import { headerIdOfText, OTHER } from "../protocol/http/header-id.ts";
import { type HeaderList, isFieldName } from "../protocol/http/header-list.ts";
import { plainName } from "./claims.ts";
import { z } from "./fields.ts";

/** Letters, digits and hyphens: what an upstream reads in one way only. Known names have their own meaning. */
export function declaredHeader(example: string) {
  const form = `the name of a field of its own, such as "${example}"`;
  return z.string().refine(isDeclarable, {
    error: ({ input }) => `must be ${form}, got ${JSON.stringify(input)}`,
  });
}

function isDeclarable(name: string): boolean {
  const isPlain = isFieldName(name) && /^[A-Za-z0-9-]+$/.test(name);
  return isPlain && headerIdOfText(name.toLowerCase()) === OTHER;
}

/** Names that are ours alone, as readers of all kinds take them. */
export class DeclaredHeaders {
  readonly #plain: ReadonlySet<string>;
  readonly #isLength: Uint8Array; // by length: some name is so long, and no other is worth a look

  constructor(names: Iterable<string>) {
    this.#plain = new Set([...names].map(plainName));
    this.#isLength = new Uint8Array(LENGTH_MAX + 1);
    for (const name of this.#plain) this.#isLength[Math.min(name.length, LENGTH_MAX)] = 1;
  }

  /** The client's own, under any name that some reader takes for ours (SECURITY H4, H5). */
  drop(headers: HeaderList): void {
    if (this.#plain.size === 0) return;
    const found: string[] = [];
    headers.each((name) => {
      if (this.#isLength[Math.min(name.length, LENGTH_MAX)] === 0) return;
      if (this.#plain.has(plainName(name))) found.push(name);
    });
    for (const name of found) headers.delete(name);
  }
}

const LENGTH_MAX = 64;
