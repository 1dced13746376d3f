/**
 * How long is the body? (RFC 9112 §6.3)
 *
 * Request smuggling lives in the gap between two readers that answer this differently, so we
 * refuse whatever two readers could disagree on, even where the RFC lets us pick an answer. What is
 * sent on is framed anew from this answer; no received framing field is ever copied.
 */
export type Framing =
  | { readonly kind: "none" } // no body, and no field says so
  | { readonly kind: "length"; readonly bytes: number }
  | { readonly kind: "chunked" }
  | { readonly kind: "close" } // a response that ends with its connection
  | { readonly kind: "refused"; readonly reason: FramingRefusal; readonly why: string };

/** "coding": a transfer coding that we do not implement (501). "conflict": all else (400). */
export type FramingRefusal = "conflict" | "coding";

/** The part of a parsed head that decides it: every value, in order, nothing merged. */
export interface FramingFields {
  readonly minorVersion: number;
  readonly contentLengths: readonly string[];
  readonly transferEncodings: readonly string[];
}

export const NONE: Framing = { kind: "none" };
export const CHUNKED: Framing = { kind: "chunked" };
export const CLOSE: Framing = { kind: "close" };

export function requestFraming(fields: FramingFields): Framing {
  return declaredFraming(fields) ?? NONE;
}

/** `status` and `method` decide whether there is a body at all, whatever the fields say. */
export function responseFraming(fields: FramingFields, status: number, method: string): Framing {
  // Read the fields first: a refusal stands even where there is no body, because the next reader
  // may think that there is one.
  const declared = declaredFraming(fields);
  if (declared?.kind === "refused") return declared;
  if (method === "HEAD" || status < 200 || status === 204 || status === 304) return NONE;
  return declared ?? CLOSE;
}

/** A length of zero says so, and no more: nobody will tell that such a body has ended. */
export function hasBody(framing: Framing): boolean {
  return framing.kind !== "none" && !(framing.kind === "length" && framing.bytes === 0);
}

function declaredFraming(fields: FramingFields): Framing | undefined {
  const { minorVersion, contentLengths, transferEncodings } = fields;
  if (transferEncodings.length > 0) {
    // §6.1 would let Transfer-Encoding win. The next hop may believe Content-Length (CL.TE).
    if (contentLengths.length > 0) return refused("content-length beside transfer-encoding");
    if (minorVersion === 0) return refused("transfer-encoding in HTTP/1.0"); // §6.1: faulty
    // One plain "chunked" and nothing else: "chunked, identity", "xchunked" and a repeated field
    // have each been read as chunked by one proxy and as opaque by the next (TE.TE).
    if (transferEncodings.length > 1) return refused("transfer-encoding given twice");
    const coding = transferEncodings[0]!.toLowerCase();
    if (coding === "chunked") return CHUNKED;
    if (/^[a-z0-9_-]+(?:[ \t]*,[ \t]*chunked)?$/.test(coding)) {
      return { kind: "refused", reason: "coding", why: "transfer-encoding other than chunked" };
    }
    return refused("transfer-encoding other than chunked");
  }

  if (contentLengths.length === 0) return undefined;
  // §6.3 rule 5 tolerates equal repeats. Not worth a reader that takes the last one.
  if (contentLengths.length > 1) return refused("content-length given twice");
  const bytes = contentLength(contentLengths[0]!);
  return bytes < 0 ? refused("content-length is not a plain number") : { kind: "length", bytes };
}

/** Digits only, so no sign, space or 0x; at most fifteen, which are exact in a double. Else -1. */
export function contentLength(digits: string): number {
  if (digits.length === 0 || digits.length > 15) return -1;
  let bytes = 0;
  for (let index = 0; index < digits.length; index++) {
    const digit = digits.charCodeAt(index) - 0x30;
    if (digit < 0 || digit > 9) return -1;
    bytes = bytes * 10 + digit;
  }
  return bytes;
}

function refused(why: string): Framing {
  return { kind: "refused", reason: "conflict", why };
}
