import type { Problem } from "../core/feature.ts";
import type { FoundSite, Site, SiteTable } from "../core/runtime.ts";
import { canonicalHost, hostProblem } from "./host-pattern.ts";

/** One site of a listener and the hosts it answers to, as written. */
export interface SitePlan {
  readonly hosts: readonly string[];
  readonly site: Site;
}

/** Throws on hosts that hostProblems refuses: check first. */
export function compileSites(plans: readonly SitePlan[]): SiteTable {
  const [problem] = hostProblems(plans.map((plan) => plan.hosts));
  if (problem !== undefined) throw new TypeError(problem.message);
  return new CompiledSites(plans);
}

/** Every host that cannot be used, or is another site's too; at ["sites", site, "hosts", index]. */
export function hostProblems(hostsOfSites: readonly (readonly string[])[]): readonly Problem[] {
  const problems: Problem[] = [];
  const owners = new Map<string, number>();
  for (const [site, hosts] of hostsOfSites.entries()) {
    for (const [index, source] of hosts.entries()) {
      const host = canonicalHost(source) ?? "";
      const owner = owners.get(host) ?? site;
      const wanted =
        hostProblem(source) ??
        (owner === site ? undefined : `must be in one site only, and sites[${owner}] has it`);
      if (wanted === undefined) owners.set(host, site);
      else {
        const message = `Cannot use the host: ${wanted}, got ${JSON.stringify(source)}`;
        problems.push({ at: ["sites", site, "hosts", index], message });
      }
    }
  }
  return problems;
}

class CompiledSites implements SiteTable {
  readonly #exact: Map<string, FoundSite>;
  readonly #wildcards: Map<string, FoundSite>; // by suffix, ".example.com"
  readonly #any: FoundSite | undefined; // only where "*" is written: no site is a default unasked (H1)

  constructor(plans: readonly SitePlan[]) {
    this.#exact = new Map();
    this.#wildcards = new Map();
    let any: FoundSite | undefined;
    for (const { hosts, site } of plans) {
      for (const host of hosts.map((source) => canonicalHost(source)!)) {
        if (host === "*") any = { site, by: "default", host };
        else if (host.startsWith("*.")) {
          this.#wildcards.set(host.slice(1), { site, by: "wildcard", host });
        } else this.#exact.set(host, { site, by: "exact", host });
      }
    }
    this.#any = any;
  }

  find(host: string): Site | undefined {
    return this.explain(host)?.site;
  }

  explain(host: string): FoundSite | undefined {
    const exact = this.#exact.get(host);
    if (exact !== undefined) return exact;
    return (this.#wildcards.size === 0 ? undefined : this.#byWildcard(host)) ?? this.#any;
  }

  /** From the left, so the longest suffix is found first. A wildcard stands for one label or more. */
  #byWildcard(host: string): FoundSite | undefined {
    for (let dot = host.indexOf(".", 1); dot > 0; dot = host.indexOf(".", dot + 1)) {
      const found = this.#wildcards.get(host.slice(dot));
      if (found !== undefined) return found;
    }
    return undefined;
  }
}
