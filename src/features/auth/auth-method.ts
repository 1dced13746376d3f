/** What a method of `auth` is: how to write one is told in the comments here. */
import type { World } from "../../base/world.ts";
import type { Exchange } from "../../core/exchange.ts";
import type { Fault } from "../../core/fault.ts";
import type { BuildTools } from "../../core/feature.ts";
import type { z } from "../../core/fields.ts";
import type { Reply, Step } from "../../core/filter.ts";
import type { Identity } from "../../core/identity.ts";
import type { Mode } from "../../core/refusal.ts";
import type { FailureGuard } from "./failure-guard.ts";

/** The request shows who sent it. May be made ahead, and be the same for every request. */
export interface Proven {
  readonly kind: "proven";
  readonly identity: Identity;
  /** Once the request passes as a whole: for fields of its own. Those must be in `declares` of the method. */
  pass?(exchange: Exchange): void;
}

/** It shows something, and that does not do. */
export interface Refused {
  readonly kind: "refused";
  readonly fault: Fault; // auth_failed, auth_forbidden, auth_unavailable …
  /** Somebody may be trying: it counts for the guard, under this name if there is one. */
  readonly isGuess?: boolean;
  readonly name?: string;
  /** In place of the method's own, as for error="invalid_token". */
  readonly challenge?: string;
  /** In place of our page, as from an authorizer. Asked for only if this is what the client is told. */
  reply?(exchange: Exchange): Reply;
}

/** The method answers by itself: a login that comes back, an authorizer's own page. */
export interface Answered {
  readonly kind: "answered";
  readonly reply: Reply;
  /** It is a refusal: in mode "warn" the request goes on without it. */
  readonly fault?: Fault;
}

/** undefined: the request has nothing for this method. */
export type Verdict = Proven | Refused | Answered | undefined;

/**
 * One method as one route has it. Nothing that a client sends may make it throw: what throws is a
 * bug, and ends the exchange with 500. A step that has no need to wait makes no promise.
 */
export interface AuthMethod {
  readonly key: string; // "basic"
  verify(exchange: Exchange): Step<Verdict>;
  /** For WWW-Authenticate, of a request that shows nothing, or the wrong thing; undefined: none. */
  challenge?(exchange: Exchange): string | undefined;
  /**
   * Where nothing was shown to any method: an answer that leads to a login. undefined: not for this
   * request (a program, an upgrade).
   */
  login?(exchange: Exchange): Reply | undefined;
  /** Takes off what must not go on to the upstream. Runs for every request, whatever came of it. */
  strip?(exchange: Exchange): void;
  /** Fields of its own that `pass` adds; the client's are removed, as for `auth.headers`. */
  readonly declares?: readonly string[];
  /** The head that goes to the client, whoever made it: a cookie that is renewed. */
  respond?(exchange: Exchange): undefined;
  /** For `sluice explain`: what it wants, without a secret. */
  explain(): string;
}

export interface AuthTools extends BuildTools {
  /** Failures of all methods and workers; undefined: `guard: off`. */
  readonly guard: FailureGuard | undefined;
  /** For what a method finds out later than in verify(); else it is none of its business. */
  readonly mode: Mode;
}

/** The part of the world that questions beside the traffic need. */
export function webWorld({ world, web }: BuildTools): Pick<World, "clock" | "log" | "web"> {
  return { clock: world.clock, log: world.log, web };
}

/** One method in the vocabulary of `auth`. */
export interface AuthMethodKind<Options> {
  readonly key: string; // in the config, "apiKey"
  readonly about: string;
  readonly schema: z.ZodType<Options>;
  /** Throws if it cannot be built: then the route is not served (core/security-stage.ts). */
  build(options: Options, tools: AuthTools): AuthMethod;
  /** As Feature has it. */
  asks?(options: Options): readonly string[];
}
