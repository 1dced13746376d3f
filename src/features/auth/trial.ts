import type { Exchange } from "../../core/exchange.ts";
import type { Step } from "../../core/filter.ts";
import type { Identity } from "../../core/identity.ts";
import type { Answered, AuthMethod, Proven, Refused, Verdict } from "./auth-method.ts";
import type { AuthTree } from "./auth-options.ts";
import type { FailureGuard } from "./failure-guard.ts";

/** What one request has shown. */
export class Trial {
  readonly proofs: Proven[];
  hasProof: boolean; // something was shown, if not enough
  refused: Refused | undefined; // the first
  answered: Answered | undefined;
  retryAfterMs: number; // who fails so often has to wait; 0: not yet

  constructor() {
    this.proofs = [];
    this.hasProof = false;
    this.refused = undefined;
    this.answered = undefined;
    this.retryAfterMs = 0;
  }

  /** The first says who it is. */
  identity(): Identity | undefined {
    const [first, ...others] = this.proofs;
    if (first === undefined || others.length === 0) return first?.identity;
    return { ...first.identity, others: others.map(({ identity }) => identity) };
  }
}

/** Whether a request shows what it has to; what it shows is noted in the trial. */
export interface Trier {
  try(exchange: Exchange, trial: Trial): Step<boolean>;
}

/** What the tree of the config comes to. */
export function trierOf(
  tree: AuthTree,
  methodOf: (key: string, options: unknown) => AuthMethod,
  guard: FailureGuard | undefined,
): Trier {
  if (tree.kind === "method") return new One(methodOf(tree.key, tree.options), guard);
  const triers = tree.of.map((each) => trierOf(each, methodOf, guard));
  return new Several(triers, tree.kind === "any");
}

class One implements Trier {
  readonly #method: AuthMethod;
  readonly #guard: FailureGuard | undefined;

  constructor(method: AuthMethod, guard: FailureGuard | undefined) {
    this.#method = method;
    this.#guard = guard;
  }

  try(exchange: Exchange, trial: Trial): Step<boolean> {
    const verdict = this.#method.verify(exchange);
    if (!(verdict instanceof Promise)) return this.#note(exchange, trial, verdict);
    return verdict.then((later) => this.#note(exchange, trial, later));
  }

  #note(exchange: Exchange, trial: Trial, verdict: Verdict): boolean {
    if (verdict === undefined) return false;
    if (verdict.kind === "proven") {
      trial.proofs.push(verdict);
      trial.hasProof = true;
      return true;
    }
    if (verdict.kind === "answered") trial.answered ??= verdict;
    else {
      trial.refused ??= verdict;
      if (verdict.isGuess === true && this.#guard !== undefined) {
        const waitMs = this.#guard.failed(exchange.client.address, verdict.name);
        trial.retryAfterMs = Math.max(trial.retryAfterMs, waitMs);
      }
    }
    return false;
  }
}

/** In the order written. "any" ends with the first that holds, "all" with the first that does not. */
class Several implements Trier {
  readonly #triers: readonly Trier[];
  readonly #isAny: boolean;

  constructor(triers: readonly Trier[], isAny: boolean) {
    this.#triers = triers;
    this.#isAny = isAny;
  }

  try(exchange: Exchange, trial: Trial): Step<boolean> {
    for (let index = 0; index < this.#triers.length; index++) {
      const before = trial.proofs.length;
      const holds = this.#triers[index]!.try(exchange, trial);
      if (holds instanceof Promise) return this.#rest(exchange, trial, holds, index, before);
      if (this.#settles(trial, holds, before)) return holds;
    }
    return !this.#isAny;
  }

  async #rest(
    exchange: Exchange,
    trial: Trial,
    pending: Promise<boolean>,
    from: number,
    proofsBefore: number,
  ): Promise<boolean> {
    let holds = await pending;
    let before = proofsBefore;
    for (let index = from + 1; ; index++) {
      if (this.#settles(trial, holds, before)) return holds;
      if (index === this.#triers.length) return !this.#isAny;
      before = trial.proofs.length;
      holds = await this.#triers[index]!.try(exchange, trial);
    }
  }

  /** Nothing after it is asked. Of what did not hold, no part counts. */
  #settles(trial: Trial, holds: boolean, proofsBefore: number): boolean {
    if (!holds) trial.proofs.length = proofsBefore;
    return trial.answered !== undefined || holds === this.#isAny;
  }
}
