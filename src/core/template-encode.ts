/**
 * How a value may stand in what is being made. Every value is encoded for the one place it goes to,
 * so that none can end a header line, leave its URL part or its tag (P2).
 */
export type Place = "header" | "text" | "html" | "json" | "path" | "query" | "url";

/**
 * What a value is made of: text; latin1 bytes as they came in a header; a canonical path or part of
 * one, escaped already; a query as received; or a path with its query.
 */
export type Stuff = "text" | "bytes" | "path" | "query" | "target";

export function encode(value: string, stuff: Stuff, place: Place): string {
  if (place === "header") return headerValue(value, stuff);
  const text = stuff === "bytes" ? utf8OfBytes(value) : value;
  switch (place) {
    case "text":
      return text;
    case "html":
      return text.replace(/[&<>"']/g, (character) => HTML.get(character)!);
    case "json":
      return jsonText(text);
    case "path":
      return stuff === "path" ? text : encodeURIComponent(text.toWellFormed());
    case "query":
      return queryText(text, stuff);
    case "url":
      return text.startsWith("/") ? text : "/"; // of OPTIONS *
  }
}

/** A header line holds bytes: text goes in as UTF-8. What could end the line is dropped. */
function headerValue(value: string, stuff: Stuff): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: to get rid of them
  const safe = value.replace(/[\x00-\x1f\x7f]/g, "");
  // biome-ignore lint/suspicious/noControlCharactersInRegex: ASCII
  if (stuff === "bytes" || /^[\x00-\x7f]*$/.test(safe)) return safe;
  return Buffer.from(safe, "utf8").toString("latin1");
}

function utf8OfBytes(bytes: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: ASCII
  return /^[\x00-\x7f]*$/.test(bytes) ? bytes : Buffer.from(bytes, "latin1").toString("utf8");
}

const HTML: ReadonlyMap<string, string> = new Map([
  ["&", "&amp;"],
  ["<", "&lt;"],
  [">", "&gt;"],
  ['"', "&quot;"],
  ["'", "&#39;"],
]);

/** For the inside of a JSON string, also of one that stands in a script element. */
function jsonText(text: string): string {
  const quoted = JSON.stringify(text.toWellFormed());
  return quoted
    .slice(1, -1)
    .replace(
      /[<>&\u2028\u2029]/g,
      (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
    );
}

/** A path keeps its escapes; a query is one already; text is escaped whole. */
function queryText(text: string, stuff: Stuff): string {
  if (stuff === "query") return text;
  if (stuff === "path") return text.replace(/[^A-Za-z0-9\-._~%/]/g, escapeByte);
  return encodeURIComponent(text.toWellFormed());
}

function escapeByte(character: string): string {
  return `%${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`;
}
