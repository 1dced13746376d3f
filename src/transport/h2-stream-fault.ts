/** What it is called when a stream to an endpoint does not end as it should. */
import type { FaultCode } from "../core/fault.ts";
import { REFUSED_STREAM } from "../protocol/h2/error-code.ts";
import type { RefusedResponse } from "../protocol/h2/response-head.ts";

export const REFUSAL_FAULTS: Readonly<Record<RefusedResponse["refused"], FaultCode>> = {
  grammar: "response_malformed",
  "fields-too-large": "response_head_too_large",
  framing: "response_framing",
};

export interface StreamReset {
  readonly code: number;
  readonly why: string; // "" if the peer simply said so
  readonly byPeer: boolean;
  readonly hasHead: boolean; // of the response
}

export function resetFault({ code, why, byPeer, hasHead }: StreamReset): FaultCode {
  if (byPeer && code === REFUSED_STREAM) {
    return why === "" ? "upstream_stream_refused" : "upstream_going_away";
  }
  const isOurs = !byPeer || why !== ""; // a rule was broken, on this stream or on the connection
  if (hasHead) return isOurs ? "response_body_malformed" : "response_truncated";
  return isOurs ? "response_malformed" : "upstream_stream_reset";
}
