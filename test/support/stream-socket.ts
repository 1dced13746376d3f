import type { Duplex } from "node:stream";
import { WebSocket } from "ws";

/** An end of ws on a stream that has become a WebSocket; its own handshake is HTTP/1's. */
export class StreamSocket extends WebSocket {
  constructor(stream: Duplex, isServer = false) {
    // As its own server makes one, whose handshake is over.
    super(null as unknown as string, undefined, { autoPong: true });
    const self = this as unknown as {
      _isServer: boolean;
      setSocket(socket: Duplex, head: Buffer, options: object): void;
    };
    self._isServer = isServer;
    self.setSocket(stream, Buffer.alloc(0), { maxPayload: 64 << 20 });
  }
}
