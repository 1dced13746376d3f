import type { Exchange, RequestHead } from "../../core/exchange.ts";
import type { Fault, FaultCode } from "../../core/fault.ts";
import type { Feature } from "../../core/feature.ts";
import type { Filter, Reply } from "../../core/filter.ts";
import { type Mode, refuse } from "../../core/refusal.ts";
import { hasBody } from "../../protocol/h1/framing.ts";
import { MediaTypes } from "../../protocol/http/media-types.ts";
import { parsePathPattern } from "../../route/path-pattern.ts";
import { valueTest } from "../../route/value-test.ts";
import { AgentRules } from "./agent-rules.ts";
import {
  DOTFILES,
  type HeaderRules,
  type QueryRules,
  type RequestFilterOptions,
  requestFilterSchema,
} from "./request-filter-options.ts";

/** What is wrong with a request; undefined: nothing. */
type Check = (exchange: Exchange) => Fault | undefined;

/** What requests have to be like, each refusal with the status that says what was wrong. */
export const requestFilter: Feature<RequestFilterOptions, Filter> = {
  name: "requestFilter",
  kind: "filter",
  about: "Refuses requests by method, path, header fields, query, type of body, and User-Agent.",
  schema: requestFilterSchema,
  build: (options) => new RequestFilter(options),
};

class RequestFilter implements Filter {
  readonly name = "requestFilter";
  readonly #checks: readonly Check[];
  readonly #allow: Readonly<Record<string, string>>;
  readonly #mode: Mode;

  constructor(options: RequestFilterOptions) {
    const methods = withHead(options.methods ?? []);
    this.#checks = checksOf(options);
    this.#allow = { allow: [...methods].join(", ") };
    this.#mode = options.mode;
  }

  admit(exchange: Exchange): Reply | undefined {
    const fault = this.#find(exchange);
    if (fault === undefined) return undefined;
    // RFC 9110 §15.5.6: who may not do this is told what may be done.
    const headers = fault.code === "method_not_allowed" ? this.#allow : undefined;
    return refuse(exchange, fault, this.#mode, headers);
  }

  explain(exchange: Exchange): readonly string[] {
    const fault = this.#find(exchange);
    return [fault === undefined ? "nothing to object to" : `${fault.code}: ${fault.detail}`];
  }

  #find(exchange: Exchange): Fault | undefined {
    const checks = this.#checks;
    for (let index = 0; index < checks.length; index++) {
      const fault = checks[index]!(exchange);
      if (fault !== undefined) return fault;
    }
    return undefined;
  }
}

/** The cheap ones first. */
function checksOf(options: RequestFilterOptions): readonly Check[] {
  const { methods, hide, headers, query, contentTypes, lengthRequired, userAgents } = options;
  const checks: Check[] = [];
  if (methods !== undefined) checks.push(methodCheck(withHead(methods)));
  if (hide !== undefined) checks.push(...hide.map(hideCheck));
  if (query !== undefined) checks.push(queryCheck(query));
  if (lengthRequired) checks.push(lengthCheck);
  if (contentTypes !== undefined) checks.push(typeCheck(new MediaTypes(contentTypes)));
  if (userAgents !== undefined) checks.push(agentCheck(new AgentRules(userAgents)));
  if (headers !== undefined) checks.push(...headerChecks(headers));
  return checks;
}

function withHead(methods: readonly string[]): ReadonlySet<string> {
  return new Set(methods.flatMap((method) => (method === "GET" ? ["GET", "HEAD"] : [method])));
}

function methodCheck(methods: ReadonlySet<string>): Check {
  return ({ request: { method } }) =>
    methods.has(method) ? undefined : faultOf("method_not_allowed", method);
}

function hideCheck(source: string): Check {
  const detail = `${source} is hidden`;
  if (source === DOTFILES) {
    return ({ request }) => (isDotfile(request.path) ? faultOf("path_hidden", detail) : undefined);
  }
  const pattern = parsePathPattern(source);
  return ({ request }) =>
    pattern.matches(request.path) ? faultOf("path_hidden", detail) : undefined;
}

const WELL_KNOWN = "/.well-known"; // RFC 8615: it is there to be asked for

/** A canonical path has no dot segments, so a dot after a slash begins a name. */
function isDotfile(path: string): boolean {
  const isKnown = path === WELL_KNOWN || path.startsWith(`${WELL_KNOWN}/`);
  if (path.indexOf("/.", isKnown ? WELL_KNOWN.length : 0) >= 0) return true;
  return path.includes("%2F."); // where encoded slashes are kept, the upstream may decode them
}

function queryCheck({ bytesMax = Number.POSITIVE_INFINITY, countMax }: QueryRules): Check {
  return ({ request: { query } }) => {
    if (query.length > bytesMax) return faultOf("query_too_large", `${query.length} bytes`);
    return countMax !== undefined && hasMoreParameters(query, countMax)
      ? faultOf("query_too_large", `more than ${countMax} parameters`)
      : undefined;
  };
}

/** As many as a parser makes of it that skips what is empty: "a&&b" has two. */
function hasMoreParameters(query: string, countMax: number): boolean {
  let count = 0;
  for (let at = 0; at < query.length; ) {
    const found = query.indexOf("&", at);
    const end = found < 0 ? query.length : found;
    if (end > at && ++count > countMax) return true;
    at = end + 1;
  }
  return false;
}

const lengthCheck: Check = ({ downstream: { requestFraming } }) =>
  requestFraming.kind === "none" || requestFraming.kind === "length"
    ? undefined
    : faultOf("length_required", "the body is chunked, or of no stated length");

function typeCheck(types: MediaTypes): Check {
  return ({ request, downstream }) => {
    if (!hasBody(downstream.requestFraming)) return undefined;
    const given = request.headers.all("content-type");
    // Of two, one reader takes the first and another the last.
    if (given.length === 1 && types.has(given[0]!)) return undefined;
    return faultOf("content_type_refused", given.length === 0 ? "none" : given.join(" and "));
  };
}

function agentCheck(rules: AgentRules): Check {
  return ({ request }) => {
    const agents = request.headers.all("user-agent");
    let why = agents.length === 0 ? rules.why(undefined) : "";
    // All of them, since there is no telling which one the upstream goes by.
    for (let index = 0; why === "" && index < agents.length; index++) {
      why = rules.why(agents[index]);
    }
    return why === "" ? undefined : faultOf("user_agent_refused", why);
  };
}

function headerChecks({ require = {}, countMax, valueBytesMax }: HeaderRules): readonly Check[] {
  const checks: Check[] = [];
  if (countMax !== undefined || valueBytesMax !== undefined) {
    const fits = headerSizeCheck(countMax ?? Infinity, valueBytesMax ?? Infinity);
    checks.push(({ request }) => fits(request));
  }
  for (const [name, wanted] of Object.entries(require)) checks.push(requireCheck(name, wanted));
  return checks;
}

function headerSizeCheck(countMax: number, valueBytesMax: number) {
  return ({ headers }: RequestHead): Fault | undefined => {
    let count = 0;
    let tooLong = "";
    headers.each((name, value) => {
      count++;
      if (value.length > valueBytesMax) tooLong = name;
    });
    if (count > countMax) return faultOf("header_fields_too_large", `${count} fields`);
    return tooLong === "" ? undefined : faultOf("header_fields_too_large", tooLong.slice(0, 64));
  };
}

/** One that is there once as it should be and once more as it should not is not as it should be. */
function requireCheck(name: string, wanted: string | readonly string[]): Check {
  const holds = valueTest(typeof wanted === "string" ? wanted : [...wanted]);
  return ({ request }) => {
    const values = request.headers.all(name);
    return values.length > 0 && values.every(holds)
      ? undefined
      : faultOf("header_required", `${name}${values.length === 0 ? " is missing" : " is another"}`);
  };
}

function faultOf(code: FaultCode, detail: string): Fault {
  return { code, detail };
}
