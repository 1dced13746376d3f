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
  /** A whole body of up to so many bytes is copied by write(), so that nothing of it stays lent. */
  readonly copiesUpTo: number;

  /**
   * Connections to endpoints that carry this client's address, and so are for its own connection
   * alone (PROXY protocol, SECURITY N1). undefined: none are kept.
   */
  readonly own?: OwnConnections | undefined;
  /** Of ours that the client is connected to; undefined on a unix socket. Asked for only on need. */
  readonly localAddress?: string | undefined;

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

/** What is idle and belongs to one client's connection, by pool; all of it ends with that. */
export class OwnConnections {
  readonly #idle = new Map<object, Abandonable>();
  #isOver = false;

  /** False: the client has gone, or has one there already. */
  keep(pool: object, connection: Abandonable): boolean {
    if (this.#isOver || this.#idle.has(pool)) return false;
    this.#idle.set(pool, connection);
    return true;
  }

  take(pool: object): Abandonable | undefined {
    const connection = this.#idle.get(pool);
    this.#idle.delete(pool);
    return connection;
  }

  /** What is kept there has turned out to be dead. */
  drop(pool: object): void {
    this.#idle.get(pool)?.abandon();
    this.#idle.delete(pool);
  }

  forget(pool: object, connection: Abandonable): void {
    if (this.#idle.get(pool) === connection) this.#idle.delete(pool);
  }

  /** The client's connection is over. */
  end(): void {
    this.#isOver = true;
    for (const connection of [...this.#idle.values()]) connection.abandon();
    this.#idle.clear();
  }
}

/** Keeps nothing: a connection ends with its exchange. */
export const NO_CONNECTIONS = new OwnConnections();
NO_CONNECTIONS.end();

interface Abandonable {
  abandon(): void;
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

/** What a tunnel needs of a wire, which not every tunnel has to itself. */
export interface TunnelWire {
  readonly destroyed: boolean;
  write(bytes: Uint8Array): boolean; // false: hold on until drained(); the bytes are given away
  end(): unknown;
  destroy(): unknown;
  /**
   * Once what was written has left. `isCut`: the other side was broken off, which the peer hears
   * where its protocol has a word for it.
   */
  destroySoon(isCut: boolean): unknown;
  pause(): unknown;
  resume(): unknown;
}

export interface SwitchedWire {
  readonly wire: TunnelWire;
  readonly early: Buffer | undefined; // what the client had already sent behind its request
  readonly hasFinished: boolean; // its FIN came before the switch
  /** The tunnel is over, and the exchange with it. */
  ended(fault: Fault | undefined): void;
}
