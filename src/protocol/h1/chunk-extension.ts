import { IS_TOKEN, IS_VALUE, SP, TAB } from "./scan.ts";

const SEMICOLON = 0x3b;
const EQUALS = 0x3d;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;

type At =
  | "name-start"
  | "name"
  | "name-end"
  | "value-start"
  | "value"
  | "quoted"
  | "escaped"
  | "end";

/**
 * Follows the extensions of a chunk (RFC 9112 §7.1.1), byte by byte, from behind the first ";":
 *
 *     BWS name [ BWS "=" BWS ( token / quoted-string ) ] *( BWS ";" … )
 *
 * They mean nothing to us and are dropped. They are held to their grammar because a line end inside
 * of a sloppy one is where two readers part ways.
 */
export class ChunkExtension {
  #at: At = "name-start";

  reset(): void {
    this.#at = "name-start";
  }

  /** The line may end here. */
  get isWhole(): boolean {
    return (
      this.#at === "name" || this.#at === "value" || this.#at === "end" || this.#at === "name-end"
    );
  }

  /** False: no extension may have this byte here. */
  take(byte: number): boolean {
    const next = this.#next(byte, byte === SP || byte === TAB);
    if (next === undefined) return false;
    this.#at = next;
    return true;
  }

  #next(byte: number, isSpace: boolean): At | undefined {
    switch (this.#at) {
      case "name-start":
        if (isSpace) return "name-start";
        return IS_TOKEN[byte] !== 0 ? "name" : undefined;
      case "name":
        if (IS_TOKEN[byte] !== 0) return "name";
        return byte === EQUALS ? "value-start" : after(byte, isSpace, "name-end");
      case "name-end":
        return byte === EQUALS ? "value-start" : after(byte, isSpace, "name-end");
      case "value-start":
        if (isSpace) return "value-start";
        if (byte === QUOTE) return "quoted";
        return IS_TOKEN[byte] !== 0 ? "value" : undefined;
      case "value":
        return IS_TOKEN[byte] !== 0 ? "value" : after(byte, isSpace, "end");
      case "quoted":
        if (byte === QUOTE) return "end";
        if (byte === BACKSLASH) return "escaped";
        return IS_VALUE[byte] === 1 ? "quoted" : undefined;
      case "escaped":
        return IS_VALUE[byte] === 1 ? "quoted" : undefined;
      case "end":
        return after(byte, isSpace, "end");
    }
  }
}

/** Behind a name or a value: the next extension, or whitespace on the way to it. */
function after(byte: number, isSpace: boolean, waiting: "name-end" | "end"): At | undefined {
  if (byte === SEMICOLON) return "name-start";
  return isSpace ? waiting : undefined;
}
