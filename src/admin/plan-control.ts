import { check } from "../config/check.ts";
import type { Config } from "../config/config.ts";
import type { Expansion } from "../config/expand.ts";
import type { Loaded } from "../config/load.ts";
import { type Change, changesBetween, type PlanSide } from "../config/plan/changes.ts";
import { problemLine } from "../config/problems.ts";
import { vocabulary } from "../features/index.ts";
import type { RouteTraffic, TrafficByRoute } from "../server/route-traffic.ts";
import type { Server } from "../server/server.ts";
import type { Refused } from "./admin-guard.ts";

/** A config that somebody would like to run: as it is after its `${…}` are expanded. */
export interface PostedConfig {
  readonly name: string; // of the file
  readonly folder: string; // what relative paths in it start from
  readonly value: unknown;
  readonly expansions: readonly (readonly [string, Expansion])[];
}

/** What a reload would come to. */
export interface Plan {
  readonly from: { readonly name: string; readonly version: number };
  readonly to: { readonly name: string };
  readonly changes: readonly PlannedChange[];
  /** What operators did by hand, which a reload leaves as it is. */
  readonly held: readonly {
    readonly upstream: string;
    readonly endpoint: string;
    readonly is: "added" | "removed" | "draining";
  }[];
}

export interface PlannedChange extends Change {
  /** On what would be gone; it gets its time to end. */
  readonly leaving?: RouteTraffic;
}

export type Planned =
  | { readonly kind: "plan"; readonly plan: Plan }
  | ({ readonly kind: "refused"; readonly problems?: readonly string[] } & Refused);

/** Compares the running config with one that is posted. It changes nothing. */
export class PlanControl {
  readonly #server: () => Server;
  readonly #loaded: () => Loaded; // that is running

  constructor(server: () => Server, loaded: () => Loaded) {
    this.#server = server;
    this.#loaded = loaded;
  }

  async plan(body: string): Promise<Planned> {
    const posted = readPosted(body);
    if (posted === undefined) return refused("The body must be what sluice plan sends.", []);
    const loaded = asLoaded(posted);
    const { config, problems } = check(loaded, vocabulary);
    if (config === undefined) {
      return refused("The config has problems; it would not be taken.", problems.map(problemLine));
    }
    const server = this.#server();
    const before: PlanSide = { loaded: this.#loaded(), config: server.config };
    const inFlight = await server.inFlight();
    const changes = changesBetween(before, { loaded, config }).map((change) => {
      return withLeaving(change, before.config, inFlight);
    });
    return {
      kind: "plan",
      plan: {
        from: { name: this.#loaded().origin.name, version: server.runtime.version },
        to: { name: posted.name },
        changes,
        held: heldIn(server),
      },
    };
  }
}

function withLeaving(change: Change, running: Config, inFlight: TrafficByRoute): PlannedChange {
  if (change.kind !== "removed") return change;
  const routes =
    change.what === "route"
      ? [`${change.of}\n${change.name}`]
      : running.sites
          .filter(({ name }) => change.what === "site" && name === change.name)
          .flatMap((site) => site.routes.map((route) => `${site.name}\n${route.name}`));
  const found = routes.flatMap((route) => inFlight.get(route) ?? []);
  if (found.length === 0) return change;
  return {
    ...change,
    leaving: {
      exchanges: found.reduce((sum, { exchanges }) => sum + exchanges, 0),
      tunnels: found.reduce((sum, { tunnels }) => sum + tunnels, 0),
    },
  };
}

function heldIn({ runtime, tasks }: Server): Plan["held"] {
  return [...runtime.upstreams.values()].flatMap(({ name: upstream, endpoints }) => {
    const added = tasks.edits.addedNamesOf(upstream);
    const removed = tasks.edits.removedFrom(upstream);
    const draining = endpoints.filter(({ state }) => state.isDraining).map(({ name }) => name);
    return [
      ...added.map((endpoint) => ({ upstream, endpoint, is: "added" as const })),
      ...removed.map((endpoint) => ({ upstream, endpoint, is: "removed" as const })),
      ...draining.map((endpoint) => ({ upstream, endpoint, is: "draining" as const })),
    ];
  });
}

function readPosted(body: string): PostedConfig | undefined {
  try {
    const { name, folder, value, expansions } = JSON.parse(body) as Partial<PostedConfig>;
    const isWhole = typeof name === "string" && typeof folder === "string";
    if (!isWhole || !Array.isArray(expansions)) return undefined;
    return { name, folder, value, expansions: expansions.filter(isExpansion) };
  } catch {
    return undefined;
  }
}

function isExpansion(entry: unknown): entry is readonly [string, Expansion] {
  if (!Array.isArray(entry) || typeof entry[0] !== "string") return false;
  const { written, whole } = (entry[1] ?? {}) as Partial<Expansion>;
  return typeof written === "string" && typeof whole === "boolean";
}

function asLoaded({ name, folder, value, expansions }: PostedConfig): Loaded {
  return {
    origin: { name, text: undefined, root: undefined },
    file: undefined,
    folder,
    value,
    expansions: new Map(expansions),
    findings: [],
    warnings: [],
  };
}

function refused(about: string, problems: readonly string[]): Planned {
  return { kind: "refused", status: 422, reason: "config_has_problems", about, problems };
}
