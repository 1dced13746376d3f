import type { Door, Wire } from "../../../src/base/world.ts";
import { readHead, readRequest } from "../message.ts";
import { SimPeer } from "../sim-peer.ts";
import type { SimWorld } from "../sim-world.ts";
import { type AnswerPlan, answerPlan } from "./answer-plan.ts";
import type { ChaosRecord } from "./chaos-record.ts";
import { sentBody, socketWords } from "./chaos-text.ts";

/** An origin that does to each request what its plan says, and judges what it is sent. */
export class ChaosOrigin {
  readonly address: { readonly host: string; readonly port: number };
  readonly #world: SimWorld;
  readonly #record: ChaosRecord;
  readonly #connections = new Set<OriginConnection>();
  #door: Door | undefined;

  constructor(world: SimWorld, record: ChaosRecord, place: number) {
    this.#world = world;
    this.#record = record;
    this.address = { host: `10.0.1.${place + 1}`, port: 80 };
  }

  async open(): Promise<void> {
    this.#door ??= await this.#world.network.listen(this.address, (wire) => {
      const connection = new OriginConnection(wire, this.#world, this.#record);
      this.#connections.add(connection);
      wire.on("close", () => this.#connections.delete(connection));
    });
  }

  /** Connects are refused; connections that are there go on. */
  async refuse(): Promise<void> {
    await this.#door?.[Symbol.asyncDispose]();
    this.#door = undefined;
  }

  /** As when its process is killed. */
  async crash(): Promise<void> {
    await this.refuse();
    for (const connection of [...this.#connections]) connection.peer.reset();
  }

  closeAll(): void {
    for (const connection of [...this.#connections]) connection.peer.close();
  }
}

/** One request on its connection, and how far its answer is. */
interface Asked {
  readonly number: number;
  readonly name: string;
  readonly plan: AnswerPlan;
  readonly at: number; // where its text begins
  readonly hasExpectation: boolean;
  isWhole: boolean;
  isAnswering: boolean;
  isAnswered: boolean;
}

class OriginConnection {
  readonly peer: SimPeer;
  readonly #world: SimWorld;
  readonly #record: ChaosRecord;
  #at = 0;
  #asked: Asked | undefined;
  #isSocket = false;
  #saidCount = 0; // of the words that a socket has echoed

  constructor(wire: Wire, world: SimWorld, record: ChaosRecord) {
    this.#world = world;
    this.#record = record;
    this.peer = new SimPeer(() => wire, true);
    this.peer.onBytes = () => this.#read();
    wire.on("end", () => {
      if (this.#isSocket) this.peer.finish();
    });
  }

  #read(): void {
    try {
      if (this.#isSocket) this.#echo();
      else this.#readRequest();
    } catch (error) {
      this.#record.complain(`an origin was sent ${error}`);
      this.peer.reset();
    }
  }

  #readRequest(): void {
    if (this.peer.text.length === this.#at) return;
    this.#asked ??= this.#begin();
    const asked = this.#asked;
    if (asked === undefined) return;
    if (asked.isWhole) {
      throw new Error(`a request before the answer to ${asked.name} was over`);
    }
    const message = readRequest(this.peer.text, asked.at);
    if (message === undefined) return;
    asked.isWhole = true;
    this.#at = message.end;
    this.#judge(asked, message.body);
    if (asked.isAnswered) this.#next(asked);
    else if (!asked.isAnswering) this.#answer(asked);
    if (this.#at < this.peer.text.length) this.#read();
  }

  #begin(): Asked | undefined {
    const head = readHead(this.peer.text, this.#at);
    if (head === undefined) return undefined;
    const [, number] = /^\S+ \/\w+\/(\d+) HTTP\/1\.1$/.exec(head.startLine) ?? [];
    const request = this.#record.request(Number(number));
    if (request === undefined) throw new Error(head.startLine);
    const asking = this.#record.wasAsked(request);
    const name = `${request.number}.${asking}`;
    const plan = answerPlan(this.#record.seed, request, asking);
    const asked: Asked = {
      number: request.number,
      name,
      plan,
      at: this.#at,
      hasExpectation: request.expects,
      isWhole: false,
      isAnswering: false,
      isAnswered: false,
    };
    if (asked.hasExpectation && plan.continues) this.peer.send("HTTP/1.1 100 Continue\r\n\r\n");
    if (plan.isEarly) this.#answer(asked);
    return asked;
  }

  #judge({ number }: Asked, body: string): void {
    const request = this.#record.request(number)!;
    if (body === sentBody(request)) return;
    this.#record.complain(`request ${number} reached an origin with another body`);
  }

  #answer(asked: Asked): void {
    const { plan } = asked;
    asked.isAnswering = true;
    this.#later(plan.delayMs, () => {
      if (plan.interims !== "") this.peer.send(plan.interims);
      this.#say(asked, 0);
    });
  }

  /** Piece by piece, to the end or to where it breaks off. */
  #say(asked: Asked, from: number): void {
    const { text, breaks, pieces, pauseMs, meant } = asked.plan;
    const stop = breaks?.at ?? text.length;
    const end = Math.min(stop, from + Math.ceil(text.length / pieces));
    if (end > from) this.peer.send(text.slice(from, end));
    if (meant !== undefined && !meant.endsByFin && end >= meant.textBytes) {
      this.#record.sent(asked.name, meant);
    }
    if (end < stop) this.#later(pauseMs, () => this.#say(asked, end));
    else this.#said(asked);
  }

  #said(asked: Asked): void {
    const { breaks, meant, closesAfterMs } = asked.plan;
    if (breaks?.how === "stall") return;
    if (breaks !== undefined) {
      const isFin = breaks.how !== "reset";
      if (isFin && meant?.endsByFin === true) this.#record.sent(asked.name, meant);
      if (breaks.how === "finish") this.peer.finish();
      else if (breaks.how === "close") this.peer.wire.destroySoon();
      else this.#later(1, () => this.peer.reset()); // what was said is on its way by then
      return;
    }
    asked.isAnswered = true;
    if (meant?.status === 101) this.#switch();
    else if (asked.isWhole) this.#next(asked);
    if (closesAfterMs === undefined) return;
    this.#later(closesAfterMs, () => {
      if (this.#asked === undefined || this.#isSocket) this.peer.wire.destroySoon();
    });
  }

  #next(asked: Asked): void {
    if (this.#asked !== asked) return;
    this.#asked = undefined;
    this.peer.text = this.peer.text.slice(this.#at);
    this.#at = 0;
  }

  #switch(): void {
    this.#isSocket = true;
    this.peer.text = this.peer.text.slice(this.#at);
    this.#echo();
  }

  /** Says in capitals what it hears, and judges that nothing of it is lost or doubled. */
  #echo(): void {
    const { number } = this.#asked!;
    const heard = this.peer.text;
    if (!socketWords(this.#record.request(number)!).startsWith(heard)) {
      this.#record.complain(`socket ${number}: the origin heard something else`);
    }
    const fresh = heard.slice(this.#saidCount);
    this.#saidCount = heard.length;
    if (fresh !== "") this.peer.send(fresh.toUpperCase());
  }

  #later(delayMs: number, act: () => void): void {
    const { clock } = this.#world;
    const doIt = () => {
      if (!this.peer.wire.destroyed) act();
    };
    if (delayMs === 0) doIt();
    else clock.after(delayMs, doIt);
  }
}
