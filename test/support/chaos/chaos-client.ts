import { FAULTS } from "../../../src/core/fault.ts";
import { fieldValue, type Message, readResponse, statusOf } from "../message.ts";
import { SimPeer } from "../sim-peer.ts";
import type { SimWorld } from "../sim-world.ts";
import { answerPlan } from "./answer-plan.ts";
import type { ClientPlan, RequestPlan } from "./chaos-plan.ts";
import type { ChaosRecord } from "./chaos-record.ts";
import { requestBody, requestHead, socketWords } from "./chaos-text.ts";

const DOOR = { host: "10.0.0.1", port: 80 };
const CONTINUE_MS = 900; // then the body goes without a 100
const GRACE_MS = 1_000; // a request so near before the end of its connection may cross it
const SOCKET_MS = 400; // how long a socket stays once all has been said

/** Does what its plan says, and holds every answer to what somebody meant to say. */
export class ChaosClient {
  readonly plan: ClientPlan;
  readonly #world: SimWorld;
  readonly #record: ChaosRecord;
  readonly #waiting: RequestPlan[] = []; // for an answer, in order
  #peer: SimPeer | undefined;
  #next = 0; // of the plan's requests
  #hasLeft = false;
  #isSocket: RequestPlan | undefined;
  #heardCount = 0; // of the words of a socket
  #sendBody: (() => void) | undefined; // a body that waits for its 100
  #isSending = false;
  #sentMs = 0; // when the last request was all written
  #wasTold = false; // an answer said that it is the last one
  #wasEarly = false; // an answer came before its request was sent: the rest may be too late
  #isOver = false;

  constructor(plan: ClientPlan, world: SimWorld, record: ChaosRecord) {
    this.plan = plan;
    this.#world = world;
    this.#record = record;
  }

  start(): void {
    this.#world.clock.after(this.plan.startMs, () => this.#connect());
  }

  /** Nothing more will happen here. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** At the end of a run: whoever still stays goes. */
  leave(): void {
    this.#hasLeft = true;
    this.#peer?.resume();
    this.#peer?.close();
  }

  #connect(): void {
    const peer = new SimPeer((reader) => {
      return this.#world.network.connectFrom("203.0.113.9", DOOR, reader);
    });
    this.#peer = peer;
    peer.onBytes = () => this.#read();
    peer.wire.on("end", () => {
      this.#read();
      peer.close();
    });
    peer.wire.on("close", () => this.#closed());
    const { leaves, napMs } = this.plan;
    if (leaves !== undefined) {
      this.#later(leaves.atMs, () => {
        this.#hasLeft = true;
        peer[leaves.how]();
      });
    }
    if (napMs > 0) this.#nap(napMs);
    this.#sendNext();
  }

  #nap(napMs: number): void {
    this.#peer!.pause();
    this.#later(napMs, () => {
      this.#peer!.resume();
      this.#later(napMs / 2, () => this.#nap(napMs));
    });
  }

  // --- requests ------------------------------------------------------------------------------

  #sendNext(): void {
    const request = this.plan.requests[this.#next];
    if (request === undefined || this.#isSending || this.#hasLeft) return;
    this.#next++;
    this.#waiting.push(request);
    this.#isSending = true;
    this.#record.count(`sent ${request.kind} ${request.method} ${request.framing}`);
    const body = requestBody(request);
    if (!request.expects) {
      this.#sendPieces(requestHead(request) + body, request);
      return;
    }
    this.#peer!.send(requestHead(request));
    this.#sendBody = () => {
      this.#sendBody = undefined;
      this.#sendPieces(body, request);
    };
    this.#later(CONTINUE_MS, () => this.#sendBody?.());
  }

  #sendPieces(text: string, request: RequestPlan, from = 0): void {
    const end = from + Math.ceil(text.length / request.pieces);
    if (text !== "") this.#peer!.send(text.slice(from, end));
    if (end < text.length) {
      this.#later(request.pauseMs, () => this.#sendPieces(text, request, end));
      return;
    }
    this.#isSending = false;
    this.#sentMs = this.#world.clock.nowMs();
    const mayGoOn = this.plan.pipelines || !this.#waiting.includes(request);
    if (mayGoOn) this.#later(this.plan.pipelines ? 0 : this.plan.thinkMs, () => this.#sendNext());
  }

  // --- answers -------------------------------------------------------------------------------

  #read(): void {
    if (this.#isOver) return;
    try {
      if (this.#isSocket !== undefined) this.#hear(this.#isSocket);
      else this.#readAnswers();
    } catch (error) {
      this.#complain(`${error}`);
      this.leave();
    }
  }

  #readAnswers(): void {
    const peer = this.#peer!;
    while (peer.text !== "" && this.#isSocket === undefined) {
      const request = this.#waiting[0];
      if (request === undefined) throw new Error(`an answer to nothing: ${shown(peer.text)}`);
      const ended = peer.hasFinished && !peer.wasReset;
      const message = readResponse(peer.text, 0, request.method, ended);
      if (message === undefined) return;
      peer.text = peer.text.slice(message.end);
      const status = statusOf(message.startLine);
      if (status >= 200 || status === 101) this.#answered(request, status, message);
      else this.#interim(request, status);
    }
  }

  #interim(request: RequestPlan, status: number): void {
    this.#record.count(`got ${status}`);
    if (request.minorVersion === 0) this.#complain(`${status} for HTTP/1.0`);
    if (status === 100 && !request.expects) this.#complain("100 that nobody expects");
    if (status === 100) this.#sendBody?.();
  }

  #answered(request: RequestPlan, status: number, message: Message): void {
    this.#waiting.shift();
    this.#wasEarly ||= this.#isSending || this.#peer!.wire.writableLength > 0;
    this.#judge(request, status, message);
    if (status === 101) {
      this.#isSocket = request;
      this.#talk(request);
      this.#hear(request);
      return;
    }
    const connection = fieldValue(message.fields, "connection") ?? "";
    const isLast = /close/i.test(connection) || message.framing === "close";
    this.#wasTold ||= isLast || request.minorVersion === 0;
    // A body that still waits for its 100 will never be sent.
    if (this.#wasTold || this.#sendBody !== undefined) return;
    if (this.#next < this.plan.requests.length) {
      this.#later(this.plan.thinkMs, () => this.#sendNext());
    } else if (this.#waiting.length === 0 && this.plan.closesWhenDone) {
      this.leave();
    }
  }

  #judge(request: RequestPlan, status: number, { fields, body, trailers }: Message): void {
    const name = fieldValue(fields, "x-meant");
    if (name === undefined) {
      this.#judgeOwn(request, status, body);
      return;
    }
    this.#record.count(`answered ${status}`);
    const meant = this.#record.meant(name);
    const what = `answer ${name}, ${status}, to request ${request.number}`;
    if (!name.startsWith(`${request.number}.`)) this.#complain(`${what}: somebody else's`);
    else if (meant === undefined) this.#complain(`${what}: it was never sent whole`);
    else if (meant.status !== status) this.#complain(`${what}: ${meant.status} was meant`);
    else if (meant.body !== body) this.#complain(`${what}: another body`);
    const [trailer] = trailers.map(([, value]) => value);
    if (trailer !== undefined && trailer !== meant?.trailer) this.#complain(`${what}: ${trailer}`);
    if (request.kind !== "good" && request.kind !== "socket") this.#complain(`${what}: unasked`);
  }

  /** An answer of the proxy's own: the page of a fault, or what the route responds. */
  #judgeOwn(request: RequestPlan, status: number, body: string): void {
    if (request.kind === "here" && status === 200) {
      if (request.method !== "HEAD" && body !== "here") this.#complain("another body than here");
      return;
    }
    this.#record.count(`page ${status}`);
    if (request.method === "HEAD" && body === "") return;
    const [, said, code = ""] = /^(\d{3}) [^:]+: (\w+) \(request [\w-]+\)\n$/.exec(body) ?? [];
    const fault = Object.hasOwn(FAULTS, code) ? FAULTS[code as keyof typeof FAULTS] : undefined;
    if (fault === undefined || fault.status !== status || said !== String(status)) {
      this.#complain(`request ${request.number}: ${status} is nobody's: ${shown(body)}`);
      return;
    }
    this.#record.count(`fault ${code}`);
    if (!MAY_BE[request.kind].test(code)) {
      this.#complain(`request ${request.number}, ${request.kind}: ${code}`);
    }
  }

  // --- a socket ------------------------------------------------------------------------------

  #talk(request: RequestPlan): void {
    const words = socketWords(request);
    const pieceBytes = Math.ceil(words.length / request.pieces) || 1;
    for (let at = 0, delayMs = 0; at < words.length; at += pieceBytes, delayMs += 7) {
      this.#later(delayMs, () => this.#peer!.send(words.slice(at, at + pieceBytes)));
    }
    if (this.plan.closesWhenDone) this.#later(SOCKET_MS, () => this.#peer!.finish());
  }

  #hear(request: RequestPlan): void {
    const heard = this.#peer!.text;
    if (!socketWords(request).toUpperCase().startsWith(heard)) {
      this.#complain(`socket ${request.number}: the client heard something else`);
    }
    if (heard.length > this.#heardCount) this.#record.count("socket echoed");
    this.#heardCount = heard.length;
  }

  // --- the end -------------------------------------------------------------------------------

  #closed(): void {
    this.#read();
    this.#isOver = true;
    const [request] = this.#waiting;
    if (request === undefined || this.#hasLeft || this.#wasTold) return;
    if (this.#record.isDraining) return;
    const isRude = this.plan.napMs > 0 || this.#isSending || this.#wasEarly;
    const quietMs = this.#world.clock.nowMs() - this.#sentMs;
    const hasPart = this.#peer!.text !== "";
    this.#record.count(hasPart ? "cut" : "unanswered");
    // A part of an answer may be cut off by whoever broke; no answer at all needs a reason.
    if (!hasPart && !isRude && quietMs > GRACE_MS && !this.#mayBeCut(request)) {
      this.#complain(`request ${request.number} got no answer, ${this.#peer!.errorCode ?? "FIN"}`);
    }
  }

  /** What came of it was no answer in the first place. */
  #mayBeCut(request: RequestPlan): boolean {
    return [1, 2, 3].some((asking) => {
      const { breaks, meant } = answerPlan(this.#record.seed, request, asking);
      return breaks !== undefined || meant === undefined;
    });
  }

  #complain(what: string): void {
    this.#record.complain(what);
  }

  #later(delayMs: number, act: () => void): void {
    this.#world.clock.after(delayMs, () => {
      if (!this.#peer!.wire.destroyed) act();
    });
  }
}

const LATE = "request_head_timeout|request_truncated";
const UPSTREAM =
  "no_endpoint|connect_\\w+|reset_before_head|upstream_send_timeout|response_(?!write)\\w+";

/** The faults that a page may tell of, by what was asked. */
const MAY_BE: Readonly<Record<RequestPlan["kind"], RegExp>> = {
  good: new RegExp(`^(?:${LATE}|${UPSTREAM}|request_body_timeout|request_body_too_large)$`),
  socket: new RegExp(`^(?:${LATE}|${UPSTREAM})$`),
  bad: new RegExp(`^(?:${LATE}|request_malformed)$`),
  here: new RegExp(`^(?:${LATE})$`),
  nowhere: new RegExp(`^(?:${LATE}|no_route)$`),
};

function shown(text: string): string {
  return JSON.stringify(text.slice(0, 120));
}
