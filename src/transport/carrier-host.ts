import type { Stream } from "../protocol/h2/stream.ts";
import type { H2Carrier } from "./h2-carrier.ts";
import type { UpstreamEvents } from "./upstream-events.ts";

/** The connection that a stream is on. */
export interface CarrierHost {
  readonly hasServed: boolean; // another stream, to its end
  readonly readCount: number; // reads so far
  open(): Stream | undefined;
  /** Something was given to the stream: frame what the windows allow, and write it soon. */
  moreToSend(): void;
  /** Some of what is being read was handed on. */
  bodyRead(events: UpstreamEvents): void;
  /** The exchange is over, one way or the other. */
  left(carrier: H2Carrier): void;
  /** The endpoint wants to be spoken to in HTTP/1. */
  refusesHttp2(): void;
  /** Whether streams may leave HTTP (RFC 8441); undefined: its SETTINGS are on their way. */
  readonly takesTunnels: boolean | undefined;
  /** To be told with settled(), or broken(). */
  onceSettled(carrier: H2Carrier): void;
}
