/**
 * The way of an exchange through its phases, on no socket: a transport calls serve() and the rest
 * goes through exchange.downstream. Steps that answer at once keep everything on one stack; the
 * first that has to wait moves the rest of the way into a promise.
 */
import { CHUNKED, type Framing, NONE } from "../protocol/h1/framing.ts";
import { HeaderList } from "../protocol/http/header-list.ts";
import { CHALLENGE_PATH, type ChallengeProofs } from "./challenge-proofs.ts";
import type { ServingSide } from "./downstream.ts";
import type { Exchange, ResponseHead } from "./exchange.ts";
import type { Fault } from "./fault.ts";
import { type ExchangeStep, type Reply, type Step, TAKEN } from "./filter.ts";
import { isLoop } from "./forwarding-fields.ts";
import { grpcEnd, grpcReply } from "./grpc.ts";
import { refusal } from "./refusal.ts";
import type { Route } from "./runtime.ts";
import { StagedResponse } from "./staged-response.ts";

/** Routes the exchange and runs it. Bugs are thrown, or reject the promise. */
export function serve(exchange: Exchange): Step<undefined> {
  const { proofs } = exchange.listener;
  if (proofs !== undefined && exchange.request.path.startsWith(CHALLENGE_PATH)) {
    return prove(exchange, proofs);
  }
  return serveSite(exchange);
}

/** A CA that looks is answered wherever it comes; whoever else asks for that path is served. */
async function prove(exchange: Exchange, proofs: ChallengeProofs): Promise<undefined> {
  const { method, path } = exchange.request;
  const isRead = method === "GET" || method === "HEAD";
  const body = isRead ? await proofs.httpAnswer(path.slice(CHALLENGE_PATH.length)) : undefined;
  if (isOver(exchange)) return;
  if (body === undefined) return await serveSite(exchange);
  answer(exchange, { status: 200, headers: { "content-type": "text/plain" }, body });
}

function serveSite(exchange: Exchange): Step<undefined> {
  const { site } = exchange;
  const bannedMs = exchange.runtime.bans?.remainingMs(exchange.client.address) ?? 0;
  if (bannedMs > 0) return fail(exchange, { code: "banned", detail: "", retryAfterMs: bannedMs });
  if (isLoop(exchange)) return fail(exchange, { code: "loop_detected", detail: "" });
  if (site === undefined) return fail(exchange, { code: "no_site", detail: exchange.request.host });
  const route = site.routes.find(exchange.request, exchange.client.address);
  if (route === undefined) return fail(exchange, { code: "no_route", detail: site.name });
  exchange.route = route;
  const { requestFraming } = exchange.downstream;
  if (requestFraming.kind === "length" && requestFraming.bytes > route.limits.bodyBytes) {
    return fail(exchange, { code: "request_body_too_large", detail: `${requestFraming.bytes}` });
  }
  const answer = runPhases(route, exchange);
  if (answer instanceof Promise) return answer.then((reply) => conclude(exchange, reply));
  return conclude(exchange, answer);
}

type Answer = Reply | typeof TAKEN | undefined;

function runPhases(route: Route, exchange: Exchange): Step<Answer> {
  const answer = runPhase(route.phases.before, exchange);
  if (answer === undefined) return route.handler.handle(exchange);
  if (!(answer instanceof Promise)) return answer;
  return answer.then((reply) => {
    return isOver(exchange) ? undefined : (reply ?? route.handler.handle(exchange));
  });
}

/** Runs the steps in order until one answers. Makes no promise until a step hands one back. */
export function runPhase(steps: readonly ExchangeStep[], exchange: Exchange): Step<Answer> {
  for (let index = 0; index < steps.length; index++) {
    const answer = steps[index]!(exchange);
    if (answer === undefined) continue;
    if (answer instanceof Promise) return runPhaseRest(steps, index + 1, exchange, answer);
    return answer;
  }
  return undefined;
}

async function runPhaseRest(
  steps: readonly ExchangeStep[],
  next: number,
  exchange: Exchange,
  pending: Promise<Answer>,
): Promise<Answer> {
  let answer = await pending;
  for (let index = next; answer === undefined && index < steps.length; index++) {
    if (isOver(exchange)) break;
    answer = await steps[index]!(exchange);
  }
  return answer;
}

function conclude(exchange: Exchange, reply: Answer): undefined {
  if (reply !== undefined && reply !== TAKEN) answer(exchange, reply);
  return undefined; // the handler answers, or has answered, through the downstream side
}

/** Answers with a reply of our own. */
export function answer(exchange: Exchange, given: Reply): void {
  const { downstream } = exchange;
  if (downstream.isAnswered || isOver(exchange)) return;
  const reply = given.status < 400 ? given : grpcReply(exchange, given);
  const headers = HeaderList.empty();
  for (const name in reply.headers) headers.add(name, reply.headers[name]!);
  const response = { status: reply.status, headers };
  const body =
    typeof reply.body === "string" ? Buffer.from(reply.body, "utf8") : toBuffer(reply.body);
  const isBodyless = reply.status === 204 || reply.status === 304;
  respond(exchange, response, isBodyless ? NONE : { kind: "length", bytes: body.length });
  // With what the body goes through, if the filters asked for that.
  const client = exchange.downstream;
  if (exchange.request.method !== "HEAD" && !isBodyless && body.length > 0) client.write(body);
  client.end(undefined);
}

/**
 * The head of a response, as the filters leave it, on its way to the client. The body of it goes to
 * exchange.downstream from here on, which tells `side` when to hold on.
 */
export function respond(
  exchange: Exchange,
  response: ResponseHead,
  framing: Framing,
  side?: ServingSide,
): void {
  exchange.response = response;
  exchange.responseFraming = framing;
  exchange.responseStages = undefined;
  const steps = exchange.route?.phases.respond;
  if (steps !== undefined) for (const step of steps) step(exchange);
  const hsts = exchange.site?.hsts;
  if (hsts !== undefined) response.headers.set("strict-transport-security", hsts);
  exchange.content = undefined;
  exchange.downstream.respond(
    response,
    exchange.responseStages === undefined
      ? exchange.responseFraming
      : stage(exchange, framing, side),
  );
}

/** What is asked for first is what bytes come to first, and so the last to be put before the client. */
function stage(exchange: Exchange, framing: Framing, side: ServingSide | undefined): Framing {
  if (framing.kind === "none" || exchange.request.method === "HEAD") return NONE;
  for (const make of exchange.responseStages!.toReversed()) {
    exchange.downstream = new StagedResponse(exchange.downstream, make);
  }
  if (side !== undefined) exchange.downstream.attach(side);
  return CHUNKED; // nobody knows how long it will be
}

/** Answers a fault with its page; where the response has begun, cuts it short. */
export function fail(exchange: Exchange, fault: Fault): undefined {
  exchange.fault ??= fault;
  const { downstream } = exchange;
  if (downstream.isAnswered) {
    cutShort(exchange, fault);
    return;
  }
  answer(exchange, refusal(exchange, fault));
}

/** Ends a response that has begun before its time, so that the client can tell. */
export function cutShort(exchange: Exchange, fault: Fault): void {
  const trailers = grpcEnd(exchange, fault);
  if (trailers === undefined) {
    exchange.downstream.cut(fault);
    return;
  }
  exchange.fault ??= fault;
  exchange.downstream.end(trailers);
}

/** The client may leave while a step waits; then there is nobody to go on for. */
function isOver({ times }: Exchange): boolean {
  return times.endedMs !== 0;
}

function toBuffer(bytes: Uint8Array | undefined): Buffer {
  if (bytes === undefined) return Buffer.alloc(0);
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
