import type { Exchange } from "../../../core/exchange.ts";
import type { Fault } from "../../../core/fault.ts";
import type { Reply, Step } from "../../../core/filter.ts";
import { HeldRequest } from "../../../core/held-request.ts";
import { Question, type Told, type Untold } from "../../../core/question.ts";
import type { Route } from "../../../core/runtime.ts";
import { Template } from "../../../core/template.ts";
import { hasBody } from "../../../protocol/h1/framing.ts";
import type { HeaderList } from "../../../protocol/http/header-list.ts";
import { isCanonicalPath } from "../../../protocol/http/path.ts";
import { isQuery, TARGET_POLICY } from "../../../protocol/http/target.ts";
import type { AuthMethod, AuthMethodKind, AuthTools, Proven, Verdict } from "../auth-method.ts";
import { PendingCookies } from "../pending-cookies.ts";
import { isUrl } from "./authorizer-url.ts";
import { type ForwardOptions, forwardSchema } from "./forward-options.ts";
import { KnownVerdicts } from "./known-verdicts.ts";
import { questionHead } from "./question-head.ts";

/** Somebody else decides. */
export const forward: AuthMethodKind<ForwardOptions> = {
  key: "forward",
  about: "Asks a server of your own who passes.",
  schema: forwardSchema,
  build: (options, tools) => new Forward(options, tools),
  asks: ({ to }) => (isUrl(to) ? [to] : []),
};

/** What a refusal has of the authorizer's answer; the rest of it is between it and us. */
const REFUSAL_FIELDS = [
  "cache-control",
  "content-encoding",
  "content-language",
  "content-type",
  "location",
  "retry-after",
  "www-authenticate",
];

interface AskedOf {
  readonly path: string;
  readonly query: string;
  readonly key: string | undefined; // under which a yes is kept
}

class Forward implements AuthMethod {
  readonly key = "forward";
  readonly declares: readonly string[];
  readonly #options: ForwardOptions;
  readonly #tools: AuthTools;
  readonly #route: Route;
  readonly #path: Template;
  readonly #query: Template;
  readonly #known: KnownVerdicts | undefined;
  readonly #cookies: PendingCookies;
  readonly #copiesCredentials: readonly string[]; // which the authorizer has to see before

  constructor(options: ForwardOptions, tools: AuthTools) {
    const { to, path, query, copy, cache } = options;
    const isSeen = (name: string) => /^(?:authorization|cookie)$/i.test(name);
    this.declares = copy.filter((name) => !isSeen(name));
    this.#copiesCredentials = copy.filter(isSeen);
    this.#options = options;
    this.#tools = tools;
    this.#route = tools.routeTo(to);
    this.#path = new Template(path, "path");
    this.#query = new Template(query, "query");
    this.#known = cache && new KnownVerdicts(cache);
    this.#cookies = new PendingCookies();
  }

  verify(exchange: Exchange): Step<Verdict> {
    if (this.#tools.isDry) return PASSES_DRY;
    const key = this.#known?.keyOf(exchange);
    const known = key && this.#known!.find(key, this.#nowMs);
    if (known) return known;
    const path = this.#path.expand(exchange);
    const query = this.#query.expand(exchange);
    const policy = exchange.site?.paths ?? TARGET_POLICY;
    const isSafe = isCanonicalPath(path, policy) && !path.startsWith("//") && isQuery(query);
    if (!isSafe) return refused("request_target", "the path to ask for is not canonical");
    const asked = { path, query, key };
    if (!this.#takesBody(exchange)) return this.#ask(exchange, asked, undefined);
    const { bodyBytesMax } = this.#options;
    const { requestFraming } = exchange.downstream;
    const isTooLarge = requestFraming.kind === "length" && requestFraming.bytes > bodyBytesMax;
    if (isTooLarge) return TOO_LARGE; // nobody has to send it to find out
    return new Promise((resolve) => {
      HeldRequest.begin(exchange, bodyBytesMax, (body) => {
        if (body === "too large") resolve(TOO_LARGE);
        else resolve(this.#ask(exchange, asked, body));
      });
    });
  }

  strip({ request }: Exchange): void {
    for (const name of this.#copiesCredentials) request.headers.delete(name);
  }

  respond(exchange: Exchange): undefined {
    this.#cookies.write(exchange);
    return undefined;
  }

  explain(): string {
    const { to, method, path, cache } = this.#options;
    const kept =
      cache === undefined ? "" : `, unless it has said so within ${cache.forMs / 1000} s`;
    return `a yes of ${to}, asked ${method} ${path}${kept}`;
  }

  #takesBody({ downstream }: Exchange): boolean {
    return this.#options.bodyBytesMax > 0 && hasBody(downstream.requestFraming);
  }

  #ask(
    exchange: Exchange,
    { path, query, key }: AskedOf,
    body: Buffer | undefined,
  ): Promise<Verdict> {
    const { method, send, timeoutMs, answerBytesMax } = this.#options;
    const head = questionHead(exchange, { method, path, query, send, hasBody: body !== undefined });
    const options = { route: this.#route, head, body, timeoutMs, answerBytesMax };
    return new Promise((resolve, reject) => {
      Question.ask(exchange, options, this.#tools, (answer) => {
        try {
          resolve(this.#judge(answer, key));
        } catch (error) {
          reject(error);
        }
      });
    });
  }

  #judge(answer: Told | Untold, key: string | undefined): Verdict {
    if ("why" in answer) return refused("auth_unavailable", answer.why);
    const { status, headers } = answer;
    if (status >= 200 && status <= 299) return this.#passes(headers, key);
    const isRedirect = status >= 300 && status <= 308 && headers.has("location");
    if (status !== 401 && status !== 403 && !(isRedirect && status !== 304)) {
      return refused("auth_unavailable", `status ${status}`);
    }
    const code =
      status === 401 ? "auth_failed" : status === 403 ? "auth_forbidden" : "auth_required";
    return {
      kind: "refused",
      fault: { code, detail: `status ${status}` },
      reply: (exchange) => this.#refusal(exchange, answer),
    };
  }

  #passes(headers: HeaderList, key: string | undefined): Proven {
    const { copy, nameHeader, setsCookies } = this.#options;
    const name = nameHeader === undefined ? "" : (headers.get(nameHeader) ?? "");
    const copied = copy.flatMap((each) => headers.all(each).map((value) => [each, value] as const));
    const cookies = setsCookies ? headers.all("set-cookie") : [];
    const claims: Record<string, unknown> = Object.create(null);
    for (const [each, value] of copied) claims[each.toLowerCase()] = value;
    const proven: Proven = {
      kind: "proven",
      identity: { method: "forward", name, claims },
      pass: (exchange) => {
        for (const [each, value] of copied) exchange.request.headers.add(each, value);
        if (cookies.length > 0) this.#cookies.add(exchange, cookies);
      },
    };
    const isOnce =
      headers.has("set-cookie") || /no-store/i.test(headers.get("cache-control") ?? "");
    if (key !== undefined && !isOnce) this.#known!.add(key, proven, this.#nowMs);
    return proven;
  }

  #refusal(exchange: Exchange, { status, headers, body }: Told): Reply {
    this.#cookies.add(exchange, headers.all("set-cookie"));
    const kept = REFUSAL_FIELDS.flatMap((name): [string, string][] => {
      const values = headers.all(name);
      return values.length === 0 ? [] : [[name, values.join(", ")]];
    });
    return { status, headers: Object.fromEntries(kept), body };
  }

  get #nowMs(): number {
    return this.#tools.world.clock.nowMs();
  }
}

function refused(code: Fault["code"], detail: string): Verdict {
  return { kind: "refused", fault: { code, detail } };
}

const TOO_LARGE = refused("request_body_too_large", "for auth.forward.body");

/** `explain` asks nobody: it shows what comes behind a yes. */
const PASSES_DRY: Verdict = {
  kind: "proven",
  identity: { method: "forward", name: "(as it says)", claims: {} },
};
