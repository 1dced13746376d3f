import { Deadline, type TimerWheel } from "../base/timer-wheel.ts";
import type { Clock } from "../base/world.ts";
import { type Framing, NONE } from "../protocol/h1/framing.ts";
import type { HeaderList } from "../protocol/http/header-list.ts";
import type { Downstream, ServingSide, SwitchedWire } from "./downstream.ts";
import { Exchange, type RequestHead, type ResponseHead } from "./exchange.ts";
import type { Fault } from "./fault.ts";
import { answer } from "./pipeline.ts";
import type { Route } from "./runtime.ts";

/** What a filter asks an upstream, on behalf of an exchange, before that one goes on. */
export interface QuestionOptions {
  readonly route: Route; // from BuildTools.routeTo()
  readonly head: RequestHead; // its fields are the filter's: those of the client that it wants asked
  readonly body: Buffer | undefined;
  readonly timeoutMs: number; // for all of it
  readonly answerBytesMax: number; // of the body
}

/** An answer of the upstream, whole. */
export interface Told {
  readonly status: number;
  readonly headers: HeaderList;
  readonly body: Buffer;
}

/** Why there is none, for the log. */
export interface Untold {
  readonly why: string;
}

export interface QuestionTools {
  readonly world: { readonly clock: Clock };
  readonly wheel: TimerWheel;
  readonly bug: (error: unknown, exchange: Exchange | undefined) => void;
}

/**
 * One question to an upstream, and its answer: a request of its own through that upstream's endpoints
 * and connections, whose client this is. `told` is called once, unless the client that it is asked for
 * leaves: then the question ends as well, and nobody is told, since nobody waits.
 */
export class Question extends Deadline implements Downstream {
  readonly requestFraming: Framing;
  readonly expectsContinue = false;
  readonly websocketKey = undefined;
  readonly takesTrailers = false;
  readonly copiesUpTo = 0;
  readonly holdsBytes = false;
  readonly #options: QuestionOptions;
  readonly #tools: QuestionTools;
  readonly #own: Exchange; // the request that the endpoint sees
  readonly #told: (answer: Told | Untold) => void;
  #side: ServingSide | undefined;
  #isBodySent: boolean;
  #response: ResponseHead | undefined;
  #body: Buffer[];
  #bodyBytes: number;
  #isOver: boolean;

  /** Begins at once. */
  static ask(
    exchange: Exchange,
    options: QuestionOptions,
    tools: QuestionTools,
    told: (answer: Told | Untold) => void,
  ): void {
    new Question(exchange, options, tools, told).#begin(exchange);
  }

  private constructor(
    exchange: Exchange,
    options: QuestionOptions,
    tools: QuestionTools,
    told: (answer: Told | Untold) => void,
  ) {
    super();
    const { body, route, head } = options;
    const nowMs = tools.world.clock.nowMs();
    this.requestFraming = body === undefined ? NONE : { kind: "length", bytes: body.length };
    this.#options = options;
    this.#tools = tools;
    this.#told = told;
    this.#side = undefined;
    this.#isBodySent = false;
    this.#response = undefined;
    this.#body = [];
    this.#bodyBytes = 0;
    this.#isOver = false;
    // What its fields say of the client is the filter's to decide, and has been decided.
    const client = { ...exchange.client, isTrusted: true };
    const none = { claimedMs: 0, connectedMs: 0, responseMs: 0, endedMs: 0 };
    const times = { startedMs: nowMs, headMs: nowMs, ...none };
    this.#own = new Exchange(exchange.runtime, exchange.listener, this, client, head, times);
    this.#own.id = exchange.id;
    this.#own.site = exchange.site;
    this.#own.route = route;
  }

  #begin(exchange: Exchange): void {
    exchange.downstream.attach(new Asker(() => this.#abandon(CLIENT_GONE)));
    this.#tools.wheel.arm(this, this.#options.timeoutMs);
    const own = this.#own;
    try {
      const reply = this.#options.route.handler.handle(own);
      if (reply instanceof Promise) {
        reply
          .then((made) => made !== undefined && answer(own, made))
          .catch((bug) => this.#bug(bug));
      } else if (reply !== undefined) answer(own, reply);
    } catch (error) {
      this.#bug(error);
    }
  }

  // --- the request ---------------------------------------------------------------------------------

  attach(side: ServingSide): void {
    this.#side = side;
  }

  pauseBody(): void {}

  /** It is here whole, so it goes in one. */
  resumeBody(): void {
    const { body } = this.#options;
    const side = this.#side;
    if (body === undefined || side === undefined || this.#isBodySent) return;
    this.#isBodySent = true;
    if (body.length > 0) side.bodyBytes(body);
    side.bodyReadOver();
    side.bodyEnd(undefined);
  }

  // --- the answer ----------------------------------------------------------------------------------

  get isAnswered(): boolean {
    return this.#response !== undefined;
  }

  interim(): void {}

  respond(response: ResponseHead): void {
    const { fault } = this.#own;
    this.#response = response;
    if (fault !== undefined) this.#end({ why: whyOf(fault) });
  }

  write(bytes: Buffer): boolean {
    if (this.#isOver) return true;
    this.#bodyBytes += bytes.length;
    if (this.#bodyBytes > this.#options.answerBytesMax) {
      this.#abandon({ code: "client_gone", detail: "the answer is too long" });
      this.#told({ why: "the answer is too long" });
    } else this.#body.push(Buffer.from(bytes)); // it is only lent
    return true;
  }

  flush(): void {}

  end(): void {
    const { status, headers } = this.#response!; // respond() comes first
    this.#end({ status, headers, body: Buffer.concat(this.#body) });
  }

  cut(fault: Fault): void {
    this.#end({ why: whyOf(fault) });
  }

  switchProtocols(): SwitchedWire {
    throw new Error("nobody has asked for another protocol");
  }

  override fire(): void {
    this.#abandon({ code: "response_timeout", detail: "" });
    this.#told({ why: `no answer within ${this.#options.timeoutMs / 1000} s` });
  }

  #end(answered: Told | Untold): void {
    if (this.#isOver) return;
    this.#over();
    this.#told(answered);
  }

  #over(): void {
    this.#isOver = true;
    this.#side = undefined;
    this.#body = [];
    this.#tools.wheel.disarm(this);
    this.#own.times.endedMs ||= this.#tools.world.clock.nowMs();
  }

  #abandon(fault: Fault): void {
    const side = this.#side;
    if (this.#isOver) return;
    this.#over();
    side?.clientGone(fault);
  }

  #bug(error: unknown): void {
    this.#tools.bug(error, this.#own);
    this.#end({ why: "a bug" });
  }
}

function whyOf({ code, detail }: Fault): string {
  return detail === "" ? code : `${code}: ${detail}`;
}

const CLIENT_GONE: Fault = { code: "client_gone", detail: "" };

/** Serves the client's exchange for as long as the question is open: all it hears is that it is over. */
class Asker implements ServingSide {
  readonly holdsRequest = false;
  readonly #gone: () => void;

  constructor(gone: () => void) {
    this.#gone = gone;
  }

  bodyBytes(): void {}
  bodyEnd(): void {}
  bodyReadOver(): void {}
  pause(): void {}
  resume(): void {}

  clientGone(): void {
    this.#gone();
  }
}
