import type { Placeholder } from "./placeholder.ts";
import type { Place } from "./template-encode.ts";

/**
 * Where in a URL the next piece of a template stands. It decides how a value is encoded, and keeps
 * values that a client chooses out of the scheme and the host: else the redirect is open to anyone.
 *
 *     start ──"/"──► path ──"?" or "#"──► query
 *       └─"https://"─► authority ──"/"──► path
 */
export class LocationState {
  #at: "start" | "scheme" | "authority" | "path" | "query";
  #text: string; // literal text so far, while it decides

  constructor() {
    this.#at = "start";
    this.#text = "";
  }

  literal(text: string): string | undefined {
    for (const character of text) {
      const problem = this.#step(character);
      if (problem !== undefined) return problem;
    }
    return undefined;
  }

  #step(character: string): string | undefined {
    if (this.#at === "query") return undefined;
    if (this.#at === "start" || this.#at === "scheme") {
      this.#text += character;
      return this.#begin();
    }
    if (character === "?" || character === "#") this.#at = "query";
    else if (character === "/") this.#at = "path";
    else if (this.#at === "authority" && !/[A-Za-z0-9\-._~:[\]]/.test(character)) {
      return `must not have "${character}" in its host`;
    }
    return undefined;
  }

  #begin(): string | undefined {
    const text = this.#text;
    if (text === "/") this.#at = "path";
    else if (/^([a-z][a-z0-9+.-]*)?:\/\/$/i.test(text)) this.#at = "authority";
    else if (!/^([a-z][a-z0-9+.-]*)?(:\/?)?$/i.test(text)) return START_FORM;
    return /^(javascript|data|vbscript):/i.test(text) ? "must not run a script" : undefined;
  }

  /** How the value is to be encoded, or what is wrong with its standing here. */
  placeholder({ name }: Placeholder): { readonly place: Place } | string {
    const isPath = name === "path" || name === "target";
    if (this.#at === "start" && this.#text === "") {
      if (name === "scheme") {
        this.#at = "scheme";
        return { place: "path" };
      }
      if (!isPath) return `must not begin with {${name}}, which the client chooses; ${START_FORM}`;
    } else if (this.#at === "start" || this.#at === "scheme") {
      return START_FORM;
    } else if (this.#at === "authority") {
      if (name === "host") return { place: "text" }; // canonical, and that of the site
      if (name === "port") return { place: "text" };
      if (!isPath) return `must not have {${name}} in its host; put a "/" before it`;
    }
    if (this.#at === "query") return { place: "query" };
    if (!isPath) return { place: "path" };
    // A path or a whole target goes in as it is: its parts come to stand where they belong.
    this.#at = name === "target" ? "query" : "path";
    return { place: "url" };
  }

  end(): string | undefined {
    return this.#at === "start" || this.#at === "scheme" ? START_FORM : undefined;
  }
}

const START_FORM = 'must begin with "/", "https://", {path} or {target}';
