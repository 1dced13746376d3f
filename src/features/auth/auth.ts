import { DeclaredHeaders } from "../../core/declared-header.ts";
import type { Exchange } from "../../core/exchange.ts";
import type { Fault } from "../../core/fault.ts";
import type { BuildTools, Feature } from "../../core/feature.ts";
import type { Filter, Reply, Step } from "../../core/filter.ts";
import { type Mode, refuse } from "../../core/refusal.ts";
import { securityStage } from "../../core/security-stage.ts";
import { Template } from "../../core/template.ts";
import { idOf } from "../../protocol/http/header-id.ts";
import type { AuthMethod, AuthTools } from "./auth-method.ts";
import { type AuthOptions, type AuthTree, authSchema, type GuardOptions } from "./auth-options.ts";
import { FailureGuard } from "./failure-guard.ts";
import { methods } from "./methods.ts";
import { Trial, type Trier, trierOf } from "./trial.ts";

const CACHE_CONTROL = idOf("cache-control");
const NOTHING_SHOWN: Fault = { code: "auth_required", detail: "" };

/** Only who shows who they are passes, and the upstream is told who it is. */
class Auth implements Filter {
  readonly name = "auth";
  readonly #tree: AuthTree;
  readonly #methods: readonly AuthMethod[];
  readonly #trier: Trier;
  readonly #isOptional: boolean;
  readonly #mode: Mode;
  readonly #headers: readonly (readonly [name: string, template: Template])[];
  readonly #declared: DeclaredHeaders;

  constructor(options: AuthOptions, tools: AuthTools) {
    const built: AuthMethod[] = [];
    this.#tree = options.tree;
    this.#trier = trierOf(
      options.tree,
      (key, given) => {
        const method = kindOf(key).build(given, tools);
        built.push(method);
        return method;
      },
      tools.guard,
    );
    this.#methods = built;
    this.#isOptional = options.isOptional;
    this.#mode = options.mode;
    this.#headers = Object.entries(options.headers).map(([name, text]) => [
      name,
      new Template(text, "header"),
    ]);
    this.#declared = new DeclaredHeaders([
      ...Object.keys(options.headers),
      ...built.flatMap(({ declares = [] }) => declares),
    ]);
  }

  admit(exchange: Exchange): Step<Reply | undefined> {
    this.#declared.drop(exchange.request.headers); // before anything may fail
    const trial = new Trial();
    const holds = this.#trier.try(exchange, trial);
    if (!(holds instanceof Promise)) return this.#conclude(exchange, trial, holds);
    return holds.then((later) => this.#conclude(exchange, trial, later));
  }

  /** What is for one must not be kept for all by a cache behind us that saw no Authorization. */
  respond(exchange: Exchange): undefined {
    const { identity, response } = exchange;
    if (identity !== undefined && response!.headers.first(CACHE_CONTROL) === undefined) {
      response!.headers.addOwn("Cache-Control", "private");
    }
    for (const method of this.#methods) method.respond?.(exchange);
    return undefined;
  }

  explain(exchange: Exchange): readonly string[] {
    const { identity } = exchange;
    return [
      `wants ${this.#said(this.#tree)}${this.#isOptional ? ", or nothing at all" : ""}`,
      identity === undefined
        ? "the request does not say who sends it"
        : `the request is sent by ${identity.name} (${identity.method})`,
    ];
  }

  #said(tree: AuthTree): string {
    let index = 0;
    const said = (each: AuthTree, isInner: boolean): string => {
      if (each.kind === "method") return this.#methods[index++]!.explain();
      const all = each.of.map((one) => said(one, each.of.length > 1));
      const text = all.join(each.kind === "any" ? " or " : " and ");
      return isInner && each.of.length > 1 ? `(${text})` : text;
    };
    return said(tree, false);
  }

  #conclude(exchange: Exchange, trial: Trial, holds: boolean): Reply | undefined {
    for (const method of this.#methods) method.strip?.(exchange);
    const { answered, refused } = trial;
    if (answered !== undefined) {
      if (answered.fault === undefined) return answered.reply;
      const reply = refuse(exchange, answered.fault, this.#mode);
      return reply === undefined ? undefined : answered.reply;
    }
    if (holds) {
      this.#pass(exchange, trial);
      return undefined;
    }
    if (refused === undefined && !trial.hasProof && this.#isOptional) return undefined;
    return this.#refuse(exchange, trial);
  }

  #pass(exchange: Exchange, trial: Trial): void {
    const { headers } = exchange.request;
    exchange.identity = trial.identity();
    for (const proof of trial.proofs) proof.pass?.(exchange);
    for (const [name, template] of this.#headers) {
      const value = template.expand(exchange);
      if (value !== "") headers.add(name, value);
    }
  }

  #refuse(exchange: Exchange, trial: Trial): Reply | undefined {
    const { refused, retryAfterMs } = trial;
    if (refused === undefined && this.#mode === "enforce") {
      for (const method of this.#methods) {
        const reply = method.login?.(exchange);
        if (reply !== undefined) return reply;
      }
    }
    if (retryAfterMs > 0) {
      const detail = refused?.fault.detail ?? "";
      return refuse(exchange, { code: "auth_limited", detail, retryAfterMs }, this.#mode);
    }
    const fault = refused?.fault ?? NOTHING_SHOWN;
    const isUnknown = fault.code === "auth_required" || fault.code === "auth_failed";
    const challenges = refused?.challenge ?? (isUnknown ? this.#challenges(exchange) : "");
    const headers = challenges === "" ? undefined : { "www-authenticate": challenges };
    const reply = refuse(exchange, fault, this.#mode, headers);
    return reply && (refused?.reply?.(exchange) ?? reply);
  }

  #challenges(exchange: Exchange): string {
    const all = this.#methods.map((method) => method.challenge?.(exchange));
    return [...new Set(all.filter((each) => each !== undefined))].join(", ");
  }
}

export const auth: Feature<AuthOptions, Filter> = {
  name: "auth",
  kind: "filter",
  about: "Lets only those pass who show who they are, and tells the upstream who it is.",
  schema: authSchema,

  asks: ({ tree }) => askedBy(tree),

  build(options, tools) {
    return securityStage("auth", tools, () => {
      const guard = options.guard && guardOf(options.guard, tools);
      return new Auth(options, { ...tools, guard, mode: options.mode });
    });
  },
};

/** One for all routes that have the same numbers: who fails on one of them fails on all. */
function guardOf(options: GuardOptions, tools: BuildTools): FailureGuard {
  const key = `auth guard ${options.perAddress} ${options.perName} ${options.withinMs}`;
  return tools.keepForAll(key, () => {
    const memory = tools.machine.block(key, FailureGuard.byteLength);
    return new FailureGuard(memory, tools.world.clock, options);
  });
}

function askedBy(tree: AuthTree): readonly string[] {
  if (tree.kind === "method") return kindOf(tree.key).asks?.(tree.options) ?? [];
  return tree.of.flatMap(askedBy);
}

function kindOf(key: string) {
  return methods.find((each) => each.key === key)!; // the schema knows no other
}
