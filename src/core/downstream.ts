import type { Wire } from "../base/world.ts";
import type { Framing } from "../protocol/h1/framing.ts";
import type { HeaderList } from "../protocol/http/header-list.ts";
import type { ResponseHead } from "./exchange.ts";
import type { Fault } from "./fault.ts";

/**
 * The client's side of one exchange, whatever protocol it speaks. The response goes out in order:
 * interim()*, respond(), write()*, end(). cut() may come at any time.
 */
export interface Downstream {
  readonly requestFraming: Framing;
  /** The client waits for a 100 before it sends its body. */
  readonly expectsContinue: boolean;
  /** Sec-WebSocket-Key of a valid handshake, if the client asked for a WebSocket. */
  readonly websocketKey: string | undefined;
  readonly takesTrailers: boolean;
  /** The response head is on its way, so nothing else can be answered. */
  readonly isAnswered: boolean;
  /** Bytes that were written and have not left: lent buffers must be given up, not reused. */
  readonly holdsBytes: boolean;

  /** From now on `side` serves the exchange; the body flows to it after resumeBody(). */
  attach(side: ServingSide): void;
  pauseBody(): void;
  resumeBody(): void;

  /** A 1xx, at once. */
  interim(status: number, headers: HeaderList | undefined): void;
  /** The head; it leaves with the first bytes of the body, with flush() or with end(). */
  respond(response: ResponseHead, framing: Framing): void;
  /** False: hold on until side.resume(). The bytes are lent until holdsBytes is false. */
  write(bytes: Buffer): boolean;
  flush(): void;
  end(trailers: HeaderList | undefined): void;
  /** Ends the exchange without ending the response: the client must see that it is not whole. */
  cut(fault: Fault): void;
  /** 101: the head goes out, and from here on the wire's events are the tunnel's. */
  switchProtocols(response: ResponseHead, end: TunnelEnd): SwitchedWire;
}

/** Who serves an exchange: takes the request body and gives the response body. */
export interface ServingSide {
  bodyBytes(bytes: Buffer): void; // lent until holdsRequest is false
  bodyEnd(trailers: HeaderList | undefined): void;
  /** Bytes that bodyBytes() handed over are still in use, or may be. */
  readonly holdsRequest: boolean;
  /** All that one read brought has been handed over: let it leave. */
  bodyReadOver(): void;
  /** The client takes no more for now; resume() when it does. */
  pause(): void;
  resume(): void;
  /** The exchange is over before its time: the client left, or broke a rule. Nothing follows. */
  clientGone(fault: Fault): void;
}

/** One wire's events, once it carries a tunnel. */
export interface TunnelEnd {
  bytes(bytes: Buffer): void;
  finished(): void; // FIN
  drained(): void;
  closed(): void;
}

export interface SwitchedWire {
  readonly wire: Wire;
  readonly early: Buffer | undefined; // what the client had already sent behind its request
  readonly hasFinished: boolean; // its FIN came before the switch
  /** The tunnel is over, and the exchange with it. */
  ended(fault: Fault | undefined): void;
}
