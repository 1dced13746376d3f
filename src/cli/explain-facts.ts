/** A dry run as plain data: what `--json` prints, and all that the readable form is made of. */
import { filtersIn, type PhaseName } from "../config/compile-phases.ts";
import type { Config, ListenerConfig } from "../config/config.ts";
import { type LevelName, settledNumbers } from "../config/number-levels.ts";
import type { Exchange } from "../core/exchange.ts";
import { FAULTS, type FaultCode } from "../core/fault.ts";
import { Forward } from "../features/forward/forward.ts";
import type { ForwardOptions } from "../features/forward/forwarding.ts";
import { judgedText } from "../protocol/grpc/status.ts";
import { canonicalPath } from "../protocol/http/path.ts";
import { TARGET_POLICY } from "../protocol/http/target.ts";
import { captureNames } from "../route/compile-match.ts";
import type { MatchConfig } from "../route/match-config.ts";
import {
  type Condition,
  type DryRun,
  EXAMPLE_ID,
  EXAMPLE_PSEUDONYM,
  type Hop,
  type RouteTry,
} from "../server/dry-run.ts";
import { decideRetry, mayBeKeyed } from "../upstream/retry-policy.ts";
import {
  type BalanceFacts,
  balanceOf,
  type ChoiceFacts,
  choiceOf,
  type EndpointFacts,
  endpointOf,
} from "./explain-balance.ts";
import { type HealthFacts, healthFacts } from "./explain-health.ts";
import type { Asked } from "./explain-request.ts";

export interface Explanation {
  readonly request: {
    readonly method: string;
    readonly url: string;
    readonly headers: readonly string[];
  };
  readonly listener: { readonly key: string | undefined; readonly why: string };
  readonly client?: ClientFacts;
  readonly target?: TargetFacts;
  readonly site?: { readonly name: string; readonly by: string; readonly host: string } | undefined;
  readonly routes?: readonly (Omit<RouteTry, "conditions"> & {
    readonly conditions: readonly Condition[];
  })[];
  readonly captures?: Readonly<Record<string, string>>;
  readonly filters?: Readonly<Partial<Record<PhaseName, readonly string[]>>>;
  readonly notes?: Readonly<Record<string, readonly string[]>>; // of filters, by name
  readonly outcome: Outcome;
}

export interface ClientFacts {
  readonly wireAddress: string;
  readonly isAssumed: boolean; // no --ip was given
  readonly isTrusted: boolean; // its forwarding fields are believed
  readonly hops: readonly Hop[];
  readonly address: string;
  readonly scheme: string;
}

export interface TargetFacts {
  readonly received: string;
  readonly canonical: string | undefined; // undefined: refused
  readonly changes: readonly string[];
  readonly host: string | undefined;
  readonly port: number | undefined; // undefined: none given, or the usual one
}

export type Outcome =
  | { readonly kind: "unheard" } // nobody listens there
  | ForwardFacts
  | ({ readonly kind: "redirect"; readonly location: string } & ReplyFacts)
  | ({ readonly kind: "respond" } & ReplyFacts)
  | FaultFacts;

export interface ForwardFacts {
  readonly kind: "forward";
  readonly upstream: string;
  readonly balance: BalanceFacts;
  readonly choice?: ChoiceFacts; // where the route names more than one upstream
  readonly mirror?: { readonly to: string; readonly percent: number };
  readonly endpoints: readonly EndpointFacts[];
  readonly target: { readonly canonical: string; readonly sent: string };
  readonly head: string; // as sent, latin1
  readonly examples: readonly string[]; // what in the head is other each time
  readonly retry: RetryFacts;
  readonly health: HealthFacts;
  readonly limits: NumberFacts;
  readonly timeouts: NumberFacts;
  readonly rates: NumberFacts;
}

export interface RetryFacts {
  readonly attempts: number;
  readonly on: readonly string[];
  readonly perTryMs?: number; // none if absent
  readonly replayBody: boolean;
  readonly afterFailedConnect: boolean; // this request, would it be tried elsewhere
  readonly afterDeadConnection: boolean; // a kept one that turned out to be dead
}

/** Milliseconds, bytes, counts; "off" for none. */
export type NumberFacts = Readonly<
  Record<string, { readonly value: number | "off"; readonly from: LevelName }>
>;

export interface ReplyFacts {
  readonly status: number;
  readonly head: string; // as sent, latin1
  readonly body: string; // its beginning
  readonly bodyBytes: number;
  readonly examples: readonly string[];
}

export interface FaultFacts {
  readonly kind: "fault";
  readonly code: FaultCode;
  readonly status: number;
  readonly about: string;
  readonly detail: string;
  readonly numbers: NumberFacts; // those that the fault is about, "limits.bodyBytes"
  readonly reply: ReplyFacts | undefined;
}

export function unheard(asked: Asked, why: string): Explanation {
  return {
    request: requestOf(asked),
    listener: { key: undefined, why },
    outcome: { kind: "unheard" },
  };
}

export interface Answered {
  readonly config: Config;
  readonly listener: ListenerConfig;
  readonly why: string;
}

export function explanationOf(
  asked: Asked,
  { config, listener, why }: Answered,
  run: DryRun,
): Explanation {
  const { exchange, tries, origin, site } = run;
  return {
    request: requestOf(asked),
    listener: { key: listener.key, why },
    client: clientOf(asked, run),
    ...(exchange.request.targetReceived === "" ? {} : { target: targetOf(exchange) }),
    site: site === undefined ? undefined : { name: site.site.name, by: site.by, host: site.host },
    routes: tries,
    captures: capturesOf(run),
    filters: Object.fromEntries(
      PHASES.map((phase) => [phase, filtersIn(phase, origin?.filters ?? [])] as const)
        .filter(([, filters]) => filters.length > 0)
        .map(([phase, filters]) => [phase, filters.map(({ name }) => name)]),
    ),
    ...notesOf(run),
    outcome: outcomeOf(config, listener, run),
  };
}

/** What filters have to say of this request; absent if nothing. */
function notesOf({ exchange, origin }: DryRun): Pick<Explanation, "notes"> {
  const notes = (origin?.filters ?? []).flatMap((filter) => {
    const lines = filter.explain?.(exchange) ?? [];
    return lines.length === 0 ? [] : [[filter.name, lines] as const];
  });
  return notes.length === 0 ? {} : { notes: Object.fromEntries(notes) };
}

const PHASES: readonly PhaseName[] = [
  "admit",
  "identified",
  "rewrite",
  "lookup",
  "send",
  "receive",
  "respond",
  "finish",
];

function requestOf({ method, url, fields }: Asked): Explanation["request"] {
  return { method, url, headers: fields };
}

function clientOf(asked: Asked, { exchange, hops }: DryRun): ClientFacts {
  const { wireAddress, isTrusted, address } = exchange.client;
  const { scheme } = exchange.request;
  return { wireAddress, isAssumed: asked.isPeerAssumed, isTrusted, hops, address, scheme };
}

/** A request that arrival refused has no host and says nothing of its path. */
function targetOf({ request, site }: Exchange): TargetFacts {
  const { host, port, path, query, targetReceived: received } = request;
  if (host === "") {
    return { received, canonical: undefined, changes: [], host: undefined, port: undefined };
  }
  return {
    received,
    canonical: joined(path, query),
    changes: changesIn(received, site?.paths ?? TARGET_POLICY),
    host,
    port: port === 0 ? undefined : port,
  };
}

/** What brought the path to its canonical form: asks for each change alone whether there was one. */
function changesIn(received: string, policy: typeof TARGET_POLICY): string[] {
  if (!received.startsWith("/")) return [];
  const [raw = ""] = received.split("?");
  const canonical = (text: string, slashes: "merge" | "keep") =>
    canonicalPath(text, 0, text.length, { ...policy, slashes });
  const segments = raw
    .slice(1)
    .split("/")
    .filter((segment) => segment !== "");
  const alone = segments.map((segment) => canonical(`/x/${segment}`, "keep"));
  const isDots = (index: number) => alone[index] === "/x/" || alone[index] === "/";
  const changes: string[] = [];
  if (segments.some((_, index) => isDots(index))) changes.push("dot segments are resolved");
  if (policy.slashes === "merge" && canonical(raw, "merge") !== canonical(raw, "keep")) {
    changes.push("// is one slash");
  }
  if (segments.some((segment, index) => !isDots(index) && alone[index] !== `/x/${segment}`)) {
    changes.push("escapes are in their one form");
  }
  return changes;
}

function capturesOf({ exchange, origin }: DryRun): Record<string, string> {
  const { site, route, request, client } = exchange;
  const match = origin?.route.match as MatchConfig | undefined; // what the match schema has made of it
  if (site === undefined || route === undefined || match === undefined) return {};
  const captures = site.routes.captures(route, request, client.address);
  const entries = captureNames(match).map((name) => [name, captures?.get(name)] as const);
  return Object.fromEntries(
    entries.filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
}

function outcomeOf(config: Config, listener: ListenerConfig, run: DryRun): Outcome {
  const { exchange, request, response } = run;
  const handler = exchange.route?.handler;
  if (request !== undefined && handler instanceof Forward) {
    return forwardOf(config, run, handler.options, request);
  }
  const reply = response === undefined ? undefined : replyOf(response);
  if (exchange.fault !== undefined) return faultOf(config, listener, run, reply);
  if (reply === undefined) throw new Error("the request ended without an answer");
  const location = exchange.response?.headers.get("location");
  if (reply.status >= 300 && reply.status < 400 && location !== undefined) {
    return { kind: "redirect", location, ...reply };
  }
  return { kind: "respond", ...reply };
}

function forwardOf(
  config: Config,
  { exchange, origin }: DryRun,
  options: ForwardOptions,
  bytes: Buffer,
): ForwardFacts {
  const { request } = exchange;
  const { choice, mirror } = options;
  const sides = choice?.options.sides ?? [];
  const targets = [
    options,
    ...sides.map(({ target }) => target),
    ...(choice?.options.failover ?? []),
  ];
  const { upstream } = targets.find((each) => each.upstream.name === exchange.upstream) ?? options;
  const numbers = settledNumbers({
    config,
    ...origin!, // who is forwarded has a route
    upstream: config.upstreams.get(upstream.name),
  });
  const head = bytes.toString("latin1");
  return {
    kind: "forward",
    upstream: upstream.name,
    balance: balanceOf(config.upstreams.get(upstream.name)?.balance, upstream, exchange),
    ...(choice && { choice: choiceOf(choice) }),
    ...(mirror && {
      mirror: { to: mirror.options.target.upstream.name, percent: mirror.options.percent },
    }),
    endpoints: upstream.describe().map((each) => endpointOf(each, exchange)),
    target: {
      canonical: joined(request.path, request.query),
      sent: joined(request.upstreamPath, request.upstreamQuery),
    },
    head,
    examples: examplesIn(head),
    retry: retryOf(exchange, options),
    health: healthFacts(config.upstreams.get(upstream.name)!, origin!.route.hedge),
    limits: shown(numbers.limits),
    timeouts: shown(numbers.timeouts),
    rates: shown(numbers.rates),
  };
}

function retryOf(
  { request, downstream }: Exchange,
  { retry, replaysBody }: ForwardOptions,
): RetryFacts {
  const hasBody = downstream.requestFraming.kind !== "none";
  const isKeyed = request.headers.has("idempotency-key");
  const failed = { attempts: 1, method: request.method, responseBegun: false, isKeyed };
  const keepsBody = replaysBody || (isKeyed && mayBeKeyed(retry, request.method));
  return {
    attempts: retry.attempts,
    on: [...retry.on, ...[...retry.statuses].map(judgedText)],
    ...(retry.perTryMs === Number.POSITIVE_INFINITY ? {} : { perTryMs: retry.perTryMs }),
    replayBody: keepsBody,
    afterFailedConnect:
      decideRetry(retry, {
        ...failed,
        failure: "connect_refused",
        body: hasBody ? "unsent" : "none",
        connectionReused: false,
      }) === "retry",
    afterDeadConnection:
      decideRetry(retry, {
        ...failed,
        failure: "reset_before_head",
        body: hasBody ? (keepsBody ? "replayable" : "gone") : "none",
        connectionReused: true,
      }) === "retry",
  };
}

function faultOf(
  config: Config,
  listener: ListenerConfig,
  { exchange, origin }: DryRun,
  reply: ReplyFacts | undefined,
): FaultFacts {
  const { code, detail } = exchange.fault!;
  const { about, status } = FAULTS[code];
  const settled = settledNumbers({
    config,
    ...(origin ?? { listener }),
    upstream: config.upstreams.get(exchange.upstream),
  });
  const all: NumberFacts = {
    ...prefixed("limits", shown(settled.limits)),
    ...prefixed("timeouts", shown(settled.timeouts)),
  };
  const named = new Set(about.match(/\b(limits|timeouts)\.\w+/g) ?? []);
  const numbers = Object.fromEntries(Object.entries(all).filter(([name]) => named.has(name)));
  return { kind: "fault", code, status, about, detail, numbers, reply };
}

const BODY_CHARS_MAX = 1_000;

function replyOf(bytes: Buffer): ReplyFacts {
  const headEnd = bytes.indexOf("\r\n\r\n") + 4;
  const head = bytes.toString("latin1", 0, headEnd);
  const body = bytes.subarray(headEnd);
  const isCoded = /\r\ncontent-encoding: /i.test(head);
  const text = isCoded ? "" : body.toString("utf8"); // nobody could read it
  return {
    status: Number(head.slice("HTTP/1.1 ".length, "HTTP/1.1 200".length)),
    head,
    body: text.slice(0, BODY_CHARS_MAX),
    bodyBytes: isCoded ? 0 : body.length,
    examples: examplesIn(`${head}${text}`),
  };
}

function examplesIn(text: string): string[] {
  return [EXAMPLE_ID, EXAMPLE_PSEUDONYM].filter((example) => text.includes(example));
}

function shown(numbers: Readonly<Record<string, { value: number; from: LevelName }>>): NumberFacts {
  const entries = Object.entries(numbers).map(([name, { value, from }]) => [
    name,
    { value: value === Number.POSITIVE_INFINITY ? "off" : value, from },
  ]);
  return Object.fromEntries(entries) as NumberFacts;
}

function prefixed(group: string, numbers: NumberFacts): NumberFacts {
  return Object.fromEntries(
    Object.entries(numbers).map(([name, number]) => [`${group}.${name}`, number]),
  );
}

function joined(path: string, query: string): string {
  return query === "" ? path : `${path}?${query}`;
}
