import { problemLine } from "../config/problems.ts";
import type { Refused } from "./admin-guard.ts";
import type { BanControl, BanOutcome } from "./ban-control.ts";
import type { Controlled, EndpointControl } from "./endpoint-control.ts";
import type { MaintenanceControl } from "./maintenance-control.ts";
import type { PlanControl } from "./plan-control.ts";
import type { PurgeControl } from "./purge-control.ts";
import type { ReadinessState } from "./readiness.ts";
import type { ReloadOutcome } from "./running-proxy.ts";
import type { UpgradeOutcome } from "./upgrade.ts";

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** What the admin listener knows, each as a function so that it is asked for when needed. */
export interface AdminSources {
  /** Text and media type, for what the scraper accepts. */
  metrics(accept: string | undefined): { readonly text: string; readonly contentType: string };
  status(): unknown; // becomes JSON
  readiness(): ReadinessState;
  reload(): Promise<ReloadOutcome>;
  readonly endpoints: EndpointControl;
  readonly plans: PlanControl;
  readonly purges: PurgeControl;
  readonly maintenance: MaintenanceControl;
  readonly bans: BanControl;
  upgrade(): Promise<UpgradeOutcome>;
}

/** What a request says beside its method. */
export interface Asked {
  readonly path: string;
  readonly body: string;
  readonly by: string; // who asks, for the log
}

interface Endpoint {
  readonly method: "GET" | "POST" | "DELETE";
  readonly path: RegExp;
  readonly needsToken: boolean;
  readonly bodyBytesMax?: number; // 64 KiB unless said
  answer(sources: AdminSources, accept: string | undefined, asked: Asked): Answer | Promise<Answer>;
}

const PLAN_BYTES_MAX = 32 * 1024 * 1024; // a config file may have 16 MiB
const ENDPOINTS_OF = /^\/api\/upstreams\/([^/]+)\/endpoints$/;
const ENDPOINT_OF = /^\/api\/upstreams\/([^/]+)\/endpoints\/([^/]+)$/;
const BAN_OF = /^\/api\/bans\/([^/]+)$/;
const DRAIN_OF = /^\/api\/upstreams\/([^/]+)\/endpoints\/([^/]+)\/((?:un)?drain)$/;

// biome-ignore format: a table
const ENDPOINTS: readonly Endpoint[] = [
  { method: "GET", path: /^\/health\/live$/,  needsToken: false, answer: () => json(200, { live: true }) },
  { method: "GET", path: /^\/health\/ready$/, needsToken: false, answer: ready },
  { method: "GET", path: /^\/metrics$/,       needsToken: true,  answer: metrics },
  { method: "GET", path: /^\/api\/status$/,   needsToken: true,  answer: (sources) => json(200, sources.status()) },
  { method: "POST", path: /^\/api\/reload$/, needsToken: true,  answer: reload },
  { method: "POST", path: /^\/api\/upgrade$/, needsToken: true,  answer: upgrade },
  { method: "POST", path: /^\/api\/purge$/, needsToken: true, answer: purge },
  { method: "POST", path: /^\/api\/maintenance$/, needsToken: true, answer: switchMaintenance },
  { method: "GET", path: /^\/api\/bans$/, needsToken: true, answer: ({ bans }) => banned(bans.list()) },
  { method: "POST", path: /^\/api\/bans$/, needsToken: true, answer: ({ bans }, _, { body, by }) => banned(bans.add(body, by)) },
  { method: "DELETE", path: BAN_OF, needsToken: true, answer: liftBan },
  { method: "POST", path: /^\/api\/plan$/, needsToken: true, bodyBytesMax: PLAN_BYTES_MAX, answer: plan },
  { method: "POST", path: ENDPOINTS_OF, needsToken: true, answer: addEndpoint },
  { method: "DELETE", path: ENDPOINT_OF, needsToken: true, answer: removeEndpoint },
  { method: "POST", path: DRAIN_OF, needsToken: true, answer: drainEndpoint },
];

/** The endpoint of a path, or why there is none. HEAD is GET, its body left out by the server. */
export function findEndpoint(method: string, path: string): Endpoint | Answer {
  const ofPath = ENDPOINTS.filter((endpoint) => endpoint.path.test(path));
  if (ofPath.length === 0) {
    return refusal({ status: 404, reason: "not_found", about: "There is nothing at this path." });
  }
  const wanted = method === "HEAD" ? "GET" : method;
  const endpoint = ofPath.find((each) => each.method === wanted);
  if (endpoint !== undefined) return endpoint;
  const allow = ofPath.map((each) => (each.method === "GET" ? "GET, HEAD" : each.method));
  const answer = refusal({ status: 405, reason: "method_not_allowed", about: "See Allow." });
  return { ...answer, headers: { ...answer.headers, allow: allow.join(", ") } };
}

export function refusal({ status, reason, about }: Refused): Answer {
  const answer = json(status, { reason, about });
  if (status !== 401) return answer;
  return { ...answer, headers: { ...answer.headers, "www-authenticate": 'Bearer realm="admin"' } };
}

function json(status: number, value: unknown): Answer {
  const headers = { "content-type": "application/json" };
  return { status, headers, body: `${JSON.stringify(value, undefined, 2)}\n` };
}

async function purge(sources: AdminSources, _: string | undefined, asked: Asked): Promise<Answer> {
  const purged = await sources.purges.purge(asked.body, asked.by);
  return purged.kind === "refused" ? refusal(purged) : json(200, { purged: purged.count });
}

async function switchMaintenance(sources: AdminSources, _: unknown, asked: Asked): Promise<Answer> {
  const switched = await sources.maintenance.switch(asked.body, asked.by);
  if (switched.kind === "refused") return refusal(switched);
  return json(200, { places: switched.places, on: switched.on });
}

function liftBan({ bans }: AdminSources, _: string | undefined, { path, by }: Asked): Answer {
  const [client = ""] = partsOf(path, BAN_OF);
  return banned(bans.lift(client, by));
}

function banned(outcome: BanOutcome): Answer {
  return outcome.kind === "refused" ? refusal(outcome) : json(200, outcome.value);
}

function ready(sources: AdminSources): Answer {
  const state = sources.readiness();
  return json(state === "ready" ? 200 : 503, { readiness: state });
}

function metrics(sources: AdminSources, accept: string | undefined): Answer {
  const { text, contentType } = sources.metrics(accept);
  return { status: 200, headers: { "content-type": contentType, vary: "accept" }, body: text };
}

async function addEndpoint(sources: AdminSources, _accept: unknown, asked: Asked): Promise<Answer> {
  const [upstream = ""] = partsOf(asked.path, ENDPOINTS_OF);
  return controlled(await sources.endpoints.add(upstream, asked.body, asked.by));
}

function removeEndpoint(sources: AdminSources, _accept: unknown, asked: Asked): Answer {
  const [upstream = "", name = ""] = partsOf(asked.path, ENDPOINT_OF);
  return controlled(sources.endpoints.remove(upstream, name, asked.by));
}

function drainEndpoint(sources: AdminSources, _accept: unknown, asked: Asked): Answer {
  const [upstream = "", name = "", what] = partsOf(asked.path, DRAIN_OF);
  return controlled(sources.endpoints.drain(upstream, name, what === "drain", asked.by));
}

function controlled(outcome: Controlled): Answer {
  return outcome.kind === "done" ? json(outcome.status, outcome.endpoint) : refusal(outcome);
}

/** A name that is no UTF-8 once it is decoded is nobody's. */
function partsOf(path: string, form: RegExp): string[] {
  const [, ...parts] = form.exec(path) ?? [];
  try {
    return parts.map((part) => decodeURIComponent(part));
  } catch {
    return [];
  }
}

async function plan(sources: AdminSources, _accept: unknown, asked: Asked): Promise<Answer> {
  const planned = await sources.plans.plan(asked.body);
  if (planned.kind === "plan") return json(200, planned.plan);
  const { status, reason, about, problems } = planned;
  return json(status, { reason, about, problems });
}

/** 422: the config has to be another; 409: so have the circumstances; 503: it is too late. */
async function reload(sources: AdminSources): Promise<Answer> {
  if (sources.readiness() === "draining") {
    return refusal({ status: 503, reason: "draining", about: "The proxy is stopping." });
  }
  const outcome = await sources.reload();
  if (outcome.kind === "taken") {
    const { version, leaving, warnings } = outcome;
    return json(200, { version, leaving, warnings });
  }
  if (outcome.kind === "refused") {
    return refusal({ status: 409, reason: "reload_refused", about: outcome.message });
  }
  const problems = outcome.problems.map((problem) => ({ ...problem, text: problemLine(problem) }));
  const about = "The config has problems; the running one stays.";
  return json(422, { reason: "config_has_problems", about, problems });
}

/** Answered once the new process serves, or when it is known that it will not. */
async function upgrade(sources: AdminSources): Promise<Answer> {
  if (sources.readiness() === "draining") {
    return refusal({ status: 503, reason: "draining", about: "The proxy is stopping." });
  }
  const outcome = await sources.upgrade();
  if (outcome.kind === "handed_over") return json(200, { pid: outcome.pid });
  const { reason, message: about } = outcome;
  return refusal({ status: reason === "upgrade_failed" ? 500 : 409, reason, about });
}
