/** A page of ours in place of what the upstream says (`errors.intercept`). */
import type { Exchange } from "../../core/exchange.ts";
import { answer } from "../../core/pipeline.ts";
import type { ResponseFacts } from "../../protocol/h1/response-facts.ts";

const KEPT = ["allow", "retry-after", "www-authenticate"]; // without them clients cannot do better

export function isIntercepted({ route }: Exchange, { status }: ResponseFacts): boolean {
  return route!.errors.intercepts?.has(status) === true;
}

export function answerWithPage(exchange: Exchange, { status, headers }: ResponseFacts): void {
  const reply = exchange.route!.errors.reply(exchange, status, "upstream_status");
  const kept = KEPT.flatMap((name): [string, string][] => {
    const values = headers.all(name);
    return values.length === 0 ? [] : [[name, values.join(", ")]];
  });
  answer(exchange, { ...reply, headers: { ...reply.headers, ...Object.fromEntries(kept) } });
}
