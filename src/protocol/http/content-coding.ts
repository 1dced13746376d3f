import { idOf } from "./header-id.ts";
import type { HeaderList } from "./header-list.ts";

/** Codings of content (RFC 9110 §8.4.1) that responses can be given. */
export const CODINGS = ["zstd", "br", "gzip"] as const;
export type Coding = (typeof CODINGS)[number];

const KNOWN_MAX = 256;

/** What can be offered, the better one first. */
export class CodingOffers {
  readonly codings: readonly Coding[];
  readonly #known: Map<string, Coding | undefined>; // by Accept-Encoding: clients send few

  constructor(codings: readonly Coding[]) {
    this.codings = codings;
    this.#known = new Map();
  }

  /** As preferredCoding(). */
  preferred(accept: string): Coding | undefined {
    if (accept === "") return undefined;
    const key = accept.slice(0, ACCEPT_CHARS_MAX);
    const known = this.#known.get(key);
    if (known !== undefined || this.#known.has(key)) return known;
    const coding = preferredCoding(key, this.codings);
    if (this.#known.size >= KNOWN_MAX) this.#known.clear();
    this.#known.set(key, coding);
    return coding;
  }
}

/** What a client says in Accept-Encoding; "" if nothing. */
export function acceptEncodingOf(headers: HeaderList): string {
  const first = headers.first(ACCEPT_ENCODING);
  return first === undefined ? "" : headers.all("accept-encoding").join(",");
}

const ACCEPT_ENCODING = idOf("accept-encoding");

/**
 * Which of `offers` Accept-Encoding likes best (RFC 9110 §12.5.3): the highest q-value, then the order
 * of `offers`. undefined: none of them, or the client says that it likes the content as it is better.
 */
export function preferredCoding(accept: string, offers: readonly Coding[]): Coding | undefined {
  const qualities = readQualities(accept);
  const rest = qualities.get("*") ?? 0;
  let best: Coding | undefined;
  let bestQuality = 0;
  for (const offer of offers) {
    const alias = offer === "gzip" ? qualities.get("x-gzip") : undefined; // RFC 9110 §8.4.1.3
    const quality = qualities.get(offer) ?? alias ?? rest;
    if (quality > bestQuality) {
      best = offer;
      bestQuality = quality;
    }
  }
  return bestQuality >= (qualities.get("identity") ?? 0) ? best : undefined;
}

const ACCEPT_CHARS_MAX = 1024; // browsers send some 30
const ELEMENTS_MAX = 32;

/** By coding, in lower case. An element that is malformed says nothing; the first of a name counts. */
function readQualities(accept: string): ReadonlyMap<string, number> {
  const qualities = new Map<string, number>();
  for (const element of accept.slice(0, ACCEPT_CHARS_MAX).split(",", ELEMENTS_MAX)) {
    const [name = "", weight, ...more] = element.split(";").map((part) => part.trim());
    if (!/^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/.test(name) || more.length > 0) continue;
    const quality = weight === undefined ? 1 : readWeight(weight);
    const key = name.toLowerCase();
    if (quality >= 0 && !qualities.has(key)) qualities.set(key, quality);
  }
  return qualities;
}

/** "q=0.5" → 0.5; −1 for what is no weight. */
function readWeight(text: string): number {
  return /^[qQ]=(0(\.[0-9]{0,3})?|1(\.0{0,3})?)$/.test(text) ? Number(text.slice(2)) : -1;
}

/**
 * The codings of a message, the last applied first, in lower case and without "identity". undefined:
 * more than anyone would apply.
 */
export function codingsOf(headers: HeaderList): readonly string[] | undefined {
  const names = headers
    .all("content-encoding")
    .flatMap((value) => value.split(",", CODINGS_MAX + 1))
    .map((name) => name.trim().toLowerCase())
    .filter((name) => name !== "" && name !== "identity");
  return names.length > CODINGS_MAX ? undefined : names.reverse();
}

const CODINGS_MAX = 8;

/** What is told of the bytes of a body and is wrong once they are others. */
const ABOUT_BYTES = ["content-md5", "digest", "content-digest", "repr-digest"]; // RFC 3230, 9530

/** Takes off what a body's new bytes make wrong; its length as well. */
export function dropBodyFields(headers: HeaderList): void {
  headers.delete("content-length");
  dropDigests(headers);
}

export function dropDigests(headers: HeaderList): void {
  for (const name of ABOUT_BYTES) headers.delete(name);
}
