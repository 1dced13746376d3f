import type { TunnelEnd, TunnelWire } from "../core/downstream.ts";
import type { Worker } from "../core/worker.ts";
import type { ResponseFacts } from "../protocol/h1/response-facts.ts";
import type { Stream } from "../protocol/h2/stream.ts";
import { acceptOf } from "../protocol/websocket/handshake.ts";
import type { BugTaker } from "./guard.ts";
import { H2RequestBody } from "./h2-request-body.ts";
import { H2Tunnel } from "./h2-tunnel.ts";
import type { SwitchedUpstream } from "./upstream-events.ts";

/** Whose stream it is. */
export interface StreamOwner extends BugTaker {
  moreToSend(): void;
  /** The stream is over. */
  tunnelOver(): void;
}

const NOBODY = { bytes: () => {}, end: () => {}, stalled: () => {} };

/** A stream to an endpoint that has left HTTP (RFC 8441), and the tunnel that follows it. */
export class SwitchedStream implements SwitchedUpstream, TunnelEnd {
  readonly wire: TunnelWire;
  readonly early: undefined; // data comes after the head, and by then the tunnel is there
  readonly #stream: Stream;
  readonly #owner: StreamOwner;
  #end: TunnelEnd | undefined;

  constructor(stream: Stream, worker: Worker, owner: StreamOwner) {
    this.#stream = stream;
    this.#owner = owner;
    this.#end = undefined;
    this.early = undefined;
    const body = new H2RequestBody(stream, worker.wheel, NOBODY);
    const host = {
      moreToSend: () => {
        owner.moreToSend();
        this.#look();
      },
    };
    const tunnel = new H2Tunnel(stream, host, body, owner, this);
    tunnel.takeOver();
    this.wire = tunnel;
  }

  follow(end: TunnelEnd): void {
    this.#end = end;
  }

  /** The connection is gone, and the stream with it. */
  broken(): void {
    this.wire.destroy();
    this.closed();
  }

  bytes(bytes: Buffer): void {
    this.#end?.bytes(bytes);
  }

  finished(): void {
    this.#end?.finished();
  }

  drained(): void {
    this.#end?.drained();
  }

  closed(): void {
    this.#end?.closed();
    this.#look();
  }

  #look(): void {
    if (this.#stream.isOver) this.#owner.tunnelOver();
  }
}

/** The success of an extended CONNECT, as the 101 of HTTP/1 that it stands for (RFC 8441 §5). */
export function asSwitch(facts: ResponseFacts, websocketKey: string): ResponseFacts {
  facts.headers.set("sec-websocket-accept", acceptOf(websocketKey));
  return { ...facts, status: 101, switchesTo: "websocket" };
}
