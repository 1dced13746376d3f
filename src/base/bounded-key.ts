import { hash } from "node:crypto";

const CHARS_MAX = 256;

/**
 * A key made of what clients send, to be kept: a long one is its digest, so that it takes no more memory
 * than it counts for. Equal where the texts are equal, and nobody finds two others for which it is.
 */
export function boundedKey(text: string): string {
  return text.length <= CHARS_MAX ? text : `#${hash("sha256", text, "base64url")}`;
}
