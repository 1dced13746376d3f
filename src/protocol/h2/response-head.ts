import { CHUNKED, type Framing, responseFraming } from "../h1/framing.ts";
import type { ResponseFacts } from "../h1/response-facts.ts";
import type { FieldSection } from "./field-section.ts";

/** Why a response head is refused; the transport knows the fault for it. */
export interface RefusedResponse {
  readonly refused: "grammar" | "fields-too-large" | "framing";
  readonly why: string; // for the log
}

const STATUS = /^[1-9][0-9]{2}$/;
const NO_VALUES: readonly string[] = [];

/**
 * What a response's fields mean, as facts that no one can tell from those of an HTTP/1 response: what
 * HTTP/1 could not have in a head is refused (SECURITY S5). `method`: of the request it answers.
 */
export function readResponse(
  section: FieldSection,
  isLast: boolean,
  method: string,
): ResponseFacts | RefusedResponse {
  if (section.isTooLarge) return refused("fields-too-large", "");
  if (section.problem !== "") return refused("grammar", section.problem);
  const { status: digits = "" } = section;
  if (!STATUS.test(digits)) return refused("grammar", `:status ${digits.slice(0, 8)}`);
  const status = Number(digits);
  // RFC 9113 §8.6 has no 101, and an interim response is never the last.
  if (status === 101 || (status < 200 && isLast)) return refused("grammar", `a last ${status}`);
  const framing = framingOf(section, isLast, status, method);
  if (framing.kind === "refused") return refused("framing", framing.why);
  return {
    status,
    headers: section.headers(),
    framing,
    keepsAlive: true,
    switchesTo: undefined,
    keepAliveSeconds: 0,
  };
}

// Without a length the frames say where the body ends, and to HTTP/1 that is chunks.
function framingOf(
  section: FieldSection,
  isLast: boolean,
  status: number,
  method: string,
): Framing {
  const contentLengths: readonly string[] = section.contentLengths ?? NO_VALUES;
  const fields = { minorVersion: 1, contentLengths, transferEncodings: NO_VALUES };
  const framing = responseFraming(fields, status, method);
  if (framing.kind === "length" && isLast && framing.bytes > 0) {
    return { kind: "refused", reason: "conflict", why: "content-length and no data" };
  }
  return framing.kind === "close" ? CHUNKED : framing;
}

function refused(reason: RefusedResponse["refused"], why: string): RefusedResponse {
  return { refused: reason, why };
}
