import type { TlsFacts, TlsServer } from "../base/world.ts";
import type { ClientHello } from "../protocol/client-hello/client-hello.ts";

/** What a listener answers the ClientHello of a connection with. */
export interface TlsPlan {
  /** `localAddress`: of ours, for clients who name none. undefined: we are nobody that they ask for. */
  find(hello: ClientHello, localAddress: string): TlsTerms | undefined;
}

export interface TlsTerms {
  readonly server: TlsServer;
  /** Of client authentication; sites of one policy may be asked for over each other's connections. */
  readonly policy: string;
}

/** What TLS says of a client. */
export interface ClientTls extends TlsFacts {
  readonly policy: string; // that the handshake was made under
}
