import type { Attempt, Exchange } from "./exchange.ts";

/** An answer at once where possible: only a step that has to wait makes a promise. */
export type Step<T> = T | Promise<T>;

/** An answer made here. To return one ends the chain; to return nothing goes on. */
export interface Reply {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
  /** Says a better one, which has to be got first; until then, and if it cannot be, there is this. */
  readonly better?: (exchange: Exchange, plain: Reply, give: (reply: Reply) => void) => void;
}

/** The exchange is answered through its downstream side, now or later: nobody else is to. */
export const TAKEN = "taken";

/**
 * A filter takes part in the phases it has a method for, and costs nothing in the others.
 *
 *   arrive → (route) → admit → identified → rewrite → lookup → ┌ send → receive ┐ → respond → finish
 *                                                              └──── attempt ───┘
 */
export interface Filter {
  readonly name: string;
  arrive?(exchange: Exchange): Step<Reply | undefined>; // the head is parsed, no route yet
  admit?(exchange: Exchange): Step<Reply | undefined>; // may it pass? limits, identity, WAF
  identified?(exchange: Exchange): Step<Reply | undefined>; // as admit, once all those have let it pass
  rewrite?(exchange: Exchange): Step<Reply | undefined>; // change what goes on
  lookup?(exchange: Exchange): Step<Reply | typeof TAKEN | undefined>; // answer from here: cache, file
  // The last four run on the wire's own callbacks, so they answer at once.
  send?(exchange: Exchange, attempt: Attempt): undefined; // what goes upstream, per try
  receive?(exchange: Exchange, attempt: Attempt): undefined; // what came back
  respond?(exchange: Exchange): undefined; // the head that goes to the client
  finish?(exchange: Exchange): undefined; // always, exactly once: log, count, close the span
  /** For `sluice explain`, of an exchange that nobody asked for: what became of it, or would. */
  explain?(exchange: Exchange): readonly string[];
}

/** Ends a route: forwards or replies. Exactly one per route. A reply returned is sent as it is. */
export interface Handler {
  readonly kind: string; // the config key, "forward"
  handle(exchange: Exchange): Step<Reply | undefined>;
}

export type ExchangeStep = (exchange: Exchange) => Step<Reply | typeof TAKEN | undefined>;
export type AttemptStep = (exchange: Exchange, attempt: Attempt) => undefined;

/** A route's filters, sorted once: each list holds only the filters that have that method. */
export interface Phases {
  readonly before: readonly ExchangeStep[]; // admit to lookup in a row, made once
  readonly admit: readonly ExchangeStep[];
  readonly identified: readonly ExchangeStep[];
  readonly rewrite: readonly ExchangeStep[];
  readonly lookup: readonly ExchangeStep[];
  readonly send: readonly AttemptStep[];
  readonly receive: readonly AttemptStep[];
  readonly respond: readonly ((exchange: Exchange) => undefined)[];
  readonly finish: readonly ((exchange: Exchange) => undefined)[];
}
