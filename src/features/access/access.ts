import { CidrSet } from "../../base/cidr.ts";
import { FollowedFile } from "../../base/followed-file.ts";
import type { Exchange } from "../../core/exchange.ts";
import type { Fault } from "../../core/fault.ts";
import type { BuildTools, Feature } from "../../core/feature.ts";
import type { Filter, Reply } from "../../core/filter.ts";
import type { Geo } from "../../core/geo.ts";
import { type Mode, refuse } from "../../core/refusal.ts";
import { securityStage } from "../../core/security-stage.ts";
import { compileMatch } from "../../route/compile-match.ts";
import { type AccessOptions, type AccessRule, accessSchema } from "./access-options.ts";
import { parseNetworks } from "./network-list.ts";
import { TimeWindow } from "./time-window.ts";

const FILE_BYTES_MAX = 32 * 1024 * 1024;

/** Whether a rule is about this request. */
type Test = (exchange: Exchange) => boolean;

interface BuiltRule {
  readonly said: string; // for explain and the log
  readonly holds: Test;
}

/** Who is named must not pass; it is asked before `allow`. */
export const deny: Feature<AccessOptions, Filter> = {
  name: "deny",
  kind: "filter",
  about: "Refuses requests of which one of its rules holds, before allow is asked.",
  schema: accessSchema,
  build: (options, tools) =>
    securityStage("deny", tools, () => new Access("deny", rulesOf(options, tools), options.mode)),
};

/** Only who is named may pass. */
export const allow: Feature<AccessOptions, Filter> = {
  name: "allow",
  kind: "filter",
  about: "Refuses requests of which none of its rules holds.",
  schema: accessSchema,
  build: (options, tools) =>
    securityStage("allow", tools, () => new Access("allow", rulesOf(options, tools), options.mode)),
};

class Access implements Filter {
  readonly name: "allow" | "deny";
  readonly #rules: readonly BuiltRule[];
  readonly #mode: Mode;

  constructor(name: "allow" | "deny", rules: readonly BuiltRule[], mode: Mode) {
    this.name = name;
    this.#rules = rules;
    this.#mode = mode;
  }

  admit(exchange: Exchange): Reply | undefined {
    const rule = this.#find(exchange);
    if (this.name === "allow") {
      return rule === undefined ? refuse(exchange, NOT_ALLOWED, this.#mode) : undefined;
    }
    if (rule === undefined) return undefined;
    return refuse(exchange, { code: "access_denied", detail: rule.said }, this.#mode);
  }

  explain(exchange: Exchange): readonly string[] {
    const rule = this.#find(exchange);
    const verb = this.name === "allow" ? "lets pass" : "refuses";
    const all = this.#rules.map(({ said }) => said).slice(0, EXPLAINED_MAX);
    const more = this.#rules.length - all.length;
    return [
      `${verb} ${all.join(" or ")}${more > 0 ? ` or ${more} more` : ""}`,
      rule === undefined ? "the request is none of it" : `the request is ${rule.said}`,
    ];
  }

  #find(exchange: Exchange): BuiltRule | undefined {
    const rules = this.#rules;
    for (let index = 0; index < rules.length; index++) {
      if (rules[index]!.holds(exchange)) return rules[index];
    }
    return undefined;
  }
}

const EXPLAINED_MAX = 10;
const NOT_ALLOWED: Fault = { code: "access_not_allowed", detail: "no rule of allow holds" };

/** Networks that stand alone are one set: which of them it was is of no interest. */
function rulesOf({ rules }: AccessOptions, tools: BuildTools): readonly BuiltRule[] {
  const alone = rules.filter(isNetworks);
  const networks = alone.flatMap((rule) => rule.networks);
  const others = rules.filter((rule) => !isNetworks(rule)).map((rule) => built(rule, tools));
  return networks.length === 0 ? others : [networksRule(networks), ...others];
}

function isNetworks({ networks, file, country, asn, time, match }: AccessRule): boolean {
  const hasMore = (file ?? time ?? match) !== undefined || country.length + asn.length > 0;
  return networks.length > 0 && !hasMore;
}

function built(rule: AccessRule, tools: BuildTools): BuiltRule {
  const { networks, file, country, asn, time, match } = rule;
  const parts: BuiltRule[] = [];
  if (networks.length > 0) parts.push(networksRule(networks));
  if (file !== undefined) parts.push(fileRule(file, tools));
  if (country.length > 0) parts.push(countryRule(country, tools.geo));
  if (asn.length > 0) parts.push(asnRule(asn, tools.geo));
  if (time !== undefined) {
    const window = new TimeWindow(time, tools.world.clock);
    parts.push({ said: "at such a time", holds: () => window.isOpen() });
  }
  if (match !== undefined) {
    const condition = compileMatch(match, tools.geo);
    const holds: Test = ({ request, client }) => condition.isMet(request, client.address);
    parts.push({ said: "what its match describes", holds });
  }
  if (parts.length === 0) return { said: "all", holds: () => true };
  if (parts.length === 1) return parts[0]!;
  return {
    said: parts.map(({ said }) => said).join(" and "),
    holds: (exchange) => parts.every(({ holds }) => holds(exchange)),
  };
}

const SAID_MAX = 5;

function networksRule(networks: readonly string[]): BuiltRule {
  const set = new CidrSet(networks);
  const more = networks.length - SAID_MAX;
  const said = networks.slice(0, SAID_MAX).join(", ") + (more > 0 ? ` and ${more} more` : "");
  return { said, holds: ({ client }) => set.has(client.address) };
}

function fileRule(file: string, { world, keepForAll }: BuildTools): BuiltRule {
  const followed = keepForAll(`networks of ${file}`, () => {
    const make = (bytes: Buffer) => parseNetworks(bytes.toString("latin1"));
    return new FollowedFile(file, { bytesMax: FILE_BYTES_MAX, make, world });
  });
  return {
    said: `the networks of ${file}`,
    holds: ({ client }) => followed.current().has(client.address),
  };
}

function countryRule(countries: readonly string[], geo: Geo | undefined): BuiltRule {
  if (geo?.hasCountries !== true)
    throw new Error("there is no database of countries (geo.country)");
  const wanted = new Set(countries.map((code) => (code === "unknown" ? "" : code)));
  return {
    said: `from ${countries.join(", ")}`,
    holds: ({ client }) => wanted.has(geo.country(client.address)),
  };
}

function asnRule(systems: readonly number[], geo: Geo | undefined): BuiltRule {
  if (geo?.hasSystems !== true) throw new Error("there is no database of systems (geo.asn)");
  const wanted = new Set(systems);
  return {
    said: `from AS ${systems.join(", ")}`,
    holds: ({ client }) => wanted.has(geo.asn(client.address)),
  };
}
