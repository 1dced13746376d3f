import * as wire from "./h2-frames.ts";
import type { SimPeer } from "./sim-peer.ts";
import type { SimProxy } from "./sim-proxy.ts";

/** A client that speaks HTTP/2 to a SimProxy, frame by frame. */
export class SimH2Client {
  readonly peer: SimPeer;
  readonly log = new wire.FrameLog();
  #at = 0;

  constructor(peer: SimPeer) {
    this.peer = peer;
    peer.onBytes = () => {
      this.log.feed(Buffer.from(peer.text.slice(this.#at), "latin1"));
      this.#at = peer.text.length;
    };
  }

  /** With the preface sent, and both sides' SETTINGS acknowledged. */
  static async greet(
    proxy: SimProxy,
    rows: readonly (readonly [id: number, value: number])[] = [],
  ): Promise<SimH2Client> {
    const client = new SimH2Client(proxy.client());
    client.send(wire.PREFACE, wire.settings(rows), wire.frame(wire.SETTINGS, wire.ACK, 0));
    await proxy.advance(5);
    client.log.lines.length = 0;
    return client;
  }

  send(...frames: readonly Uint8Array[]): void {
    for (const frame of frames) this.peer.sendBytes(frame);
  }

  /** The heads that came, as "1 200" or "1 502 connect_refused". */
  get answers(): string[] {
    return this.log.of("HEADERS").map((line) => {
      const [, id] = line.split(" ");
      const status = /:status=(\d+)/.exec(line)?.[1];
      const fault = /x-fault=(\w+)/.exec(line)?.[1];
      return fault === undefined ? `${id} ${status}` : `${id} ${status} ${fault}`;
    });
  }

  get resets(): string[] {
    return this.log.of("RST_STREAM");
  }

  get goAways(): string[] {
    return this.log.of("GOAWAY");
  }
}
