/** What a head of HTTP/2 that is no request is to the client, and to the log. */
import type { FaultCode } from "../core/fault.ts";
import type { RefusedRequest } from "../protocol/h2/request-head.ts";

/** Those that RFC 9113 §8.1.1 calls malformed: with or without an answer, a stream error. */
export const MALFORMED: ReadonlySet<string> = new Set(["grammar", "framing", "host"]);

export const FAULTS_OF: Readonly<Record<RefusedRequest["refused"], FaultCode>> = {
  grammar: "request_malformed",
  "fields-too-large": "request_head_too_large",
  "path-too-long": "request_line_too_long",
  framing: "request_framing",
  host: "request_host",
  expectation: "request_expectation",
  method: "request_method",
  upgrade: "request_upgrade",
};
