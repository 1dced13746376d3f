import { hasBody } from "../protocol/h1/framing.ts";
import type { HeaderList } from "../protocol/http/header-list.ts";
import type { Exchange } from "./exchange.ts";
import type { Fault } from "./fault.ts";
import { StagedRequest } from "./staged-request.ts";

/**
 * A step on a body's way that changes it: takes bytes from who comes before, and gives its own to who
 * comes after (Onward), now or later. Made for one body, and called from the wire's callbacks only.
 */
export interface BodyStage {
  /** Bytes that write() was given are still in use: they are lent until this is false. */
  readonly holdsBytes: boolean;
  /** Never none. False: hold on until onward.more(). */
  write(bytes: Buffer): boolean;
  /** All that one read brought has been written. What a reader waits for must not stay here. */
  flush(): void;
  /** Nothing follows but what is still in here. */
  end(trailers: HeaderList | undefined): void;
  /** Who comes after takes more again. Calls onward.more() as soon as that goes for the stage as well. */
  resume(): void;
  /** The exchange is over before its time: nobody wants anything from here any more. */
  stop(): void;
}

/** Who comes after a stage, and who before. What is called after stop() is lost. */
export interface Onward {
  /** Never none, and lent until holdsBytes is false. False: hold on until stage.resume(). */
  write(bytes: Buffer): boolean;
  readonly holdsBytes: boolean;
  flush(): void;
  end(trailers: HeaderList | undefined): void;
  /** To who comes before: this stage takes more again. */
  more(): void;
  /** What came cannot be gone on with: the exchange ends. */
  fail(fault: Fault): void;
}

export type StageMaker = (onward: Onward) => BodyStage;

/**
 * For the respond phase: the body of this response goes through such a stage. Who asks first is the
 * first that its bytes come to. The length is not told then; headers are for the filter to set right,
 * and a response that has no body (HEAD, 204, 304) makes no stage.
 */
export function stageResponse(exchange: Exchange, make: StageMaker): undefined {
  exchange.responseStages ??= [];
  exchange.responseStages.push(make);
  return undefined;
}

/**
 * For the phases before the handler: the body of this request goes through such a stage. Who asks
 * first is the first that its bytes come to. Its length is not told then; headers are for the filter
 * to set right. A request without a body makes no stage.
 */
export function stageRequest(exchange: Exchange, make: StageMaker): undefined {
  if (!hasBody(exchange.downstream.requestFraming)) return undefined;
  exchange.downstream = new StagedRequest(exchange, make);
  return undefined;
}
