import { headerIdOfText, OTHER } from "../protocol/http/header-id.ts";
import type { HeaderList } from "../protocol/http/header-list.ts";

/**
 * Drops the fields that try to be another field: a name that is one of ours but for "_" or "." in
 * place of "-" (CGI and its heirs read them as the same, SECURITY H4), and from a peer that is not
 * trusted every X-Forwarded-… and X-Original-…, also those that we have no number for (H3).
 */
export function dropFalseNames(headers: HeaderList, isTrusted: boolean): void {
  const names: string[] = [];
  headers.each((name) => {
    if (isFalse(name.toLowerCase(), isTrusted)) names.push(name);
  });
  for (const name of names) headers.delete(name);
}

/** As readers take a name that hold "_" and "." for "-", in lower case. */
export function plainName(name: string): string {
  return name.toLowerCase().replace(/[_.]/g, "-");
}

function isFalse(name: string, isTrusted: boolean): boolean {
  const plain = plainName(name);
  const isAlias = plain !== name;
  if (isAlias && (headerIdOfText(plain) !== OTHER || isClaim(plain))) return true;
  return !isTrusted && isClaim(plain) && headerIdOfText(plain) === OTHER;
}

function isClaim(name: string): boolean {
  return name.startsWith("x-forwarded-") || name.startsWith("x-original-");
}
