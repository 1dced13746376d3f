import type { TlsFacts, TlsServer } from "../base/world.ts";
import type { ClientHello } from "../protocol/client-hello/client-hello.ts";

/** What a listener answers the ClientHello of a connection with. */
export interface TlsPlan {
  /** Whether one more handshake may begin; counts it. */
  admits(address: string): boolean;
  /** `localAddress`: of ours, for clients who name none. undefined: we are nobody that they ask for. */
  find(hello: ClientHello, localAddress: string): TlsTerms | undefined;
  /**
   * Where it takes a while to find out: asked before find(). undefined: it does not, as for nearly
   * everybody. The promise does not reject.
   */
  later?(hello: ClientHello): Promise<TlsTerms | undefined> | undefined;
}

export interface TlsTerms {
  readonly server: TlsServer;
  /** Of client authentication; sites of one policy may be asked for over each other's connections. */
  readonly policy: string;
  /** It was the certificate that the client wanted to see, and nothing is served behind it. */
  readonly isForShow?: boolean;
}

/** What TLS says of a client. */
export interface ClientTls extends TlsFacts {
  readonly policy: string; // that the handshake was made under
}
