import type { Address, Door, Wire } from "../../src/base/world.ts";
import { type Message, readRequest } from "./message.ts";
import type { SimNetwork } from "./sim-network.ts";
import { SimPeer } from "./sim-peer.ts";

const FORGET_BYTES = 32 * 1024; // of requests that are over; a test sees what came last

/** Does something with a whole request: a text is sent, a function acts. */
export type SimAnswer = string | ((connection: SimOriginConnection, request: Message) => void);

/** An origin on a simulated network. It answers each whole request as `answer` says. */
export class SimOrigin {
  readonly address: Address;
  readonly connections: SimOriginConnection[] = [];
  readonly requests: Message[] = [];
  answer: SimAnswer;
  onConnection: (connection: SimOriginConnection) => void = () => {};
  readonly #network: SimNetwork;
  #door: Door | undefined;

  constructor(network: SimNetwork, address: Address, answer: SimAnswer) {
    this.#network = network;
    this.address = address;
    this.answer = answer;
  }

  async open(): Promise<void> {
    this.#door = await this.#network.listen(this.address, (wire) => this.#accept(wire));
  }

  /** From now on connects are refused; connections that are there go on. */
  async refuse(): Promise<void> {
    await this.#door?.[Symbol.asyncDispose]();
    this.#door = undefined;
  }

  /** The connection that came last. */
  get last(): SimOriginConnection {
    const connection = this.connections.at(-1);
    if (connection === undefined) throw new Error("nobody has connected");
    return connection;
  }

  #accept(wire: Wire): void {
    const connection = new SimOriginConnection(wire, (request) => {
      this.requests.push(request);
      if (typeof this.answer === "string") connection.send(this.answer);
      else this.answer(connection, request);
    });
    this.connections.push(connection);
    this.onConnection(connection);
  }
}

export class SimOriginConnection extends SimPeer {
  isReading = true; // requests; off where a test looks at the bytes itself
  readonly #onRequest: (request: Message) => void;
  #at = 0;

  constructor(wire: Wire, onRequest: (request: Message) => void) {
    super(() => wire, true);
    this.#onRequest = onRequest;
    this.onBytes = () => this.#readRequests();
  }

  #readRequests(): void {
    if (!this.isReading) return;
    // Never twice over the same bytes, and never more than one at a time: nobody pipelines to us.
    const request = readRequest(this.text, this.#at);
    if (request === undefined) return;
    this.#at = request.end;
    if (this.#at > FORGET_BYTES) {
      this.text = this.text.slice(this.#at);
      this.#at = 0;
    }
    this.#onRequest(request);
    if (this.text.length > this.#at) throw new Error("a request came before its turn");
  }
}
