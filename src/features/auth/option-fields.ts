/** Options that several methods have. */
import { wanted, z } from "../../core/fields.ts";

const URL_FORM = "an https URL, or http to a loopback address";

/**
 * Of a server that we ask. Without TLS whoever is on the way could answer in its place, so plain http
 * is for a server on this machine alone.
 */
export const webUrl = z
  .string({ error: wanted(URL_FORM) })
  .refine(isWebUrl, { error: wanted(URL_FORM) });

function isWebUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, hostname, username, password, hash } = new URL(text);
  if (username !== "" || password !== "" || hash !== "") return false;
  return protocol === "https:" || (protocol === "http:" && isLoopback(hostname));
}

function isLoopback(hostname: string): boolean {
  return hostname === "localhost" || hostname === "[::1]" || /^127(?:\.\d{1,3}){3}$/.test(hostname);
}

/** One text or a list of them; always a list in the end. */
export function oneOrMany(form: string) {
  const one = z.string({ error: wanted(form) }).min(1, { error: wanted(form) });
  return z.union([one.transform((text) => [text]), z.array(one).min(1).max(100)], {
    error: wanted(form),
  });
}
