import { Pattern, patternProblem } from "../../base/pattern/pattern.ts";
import type { AgentOptions } from "./request-filter-options.ts";

/**
 * Programs by what they call themselves, in lower case. They are those that say so: a list of this
 * kind keeps away who is honest or lazy, and nobody else.
 */
// biome-ignore format: a table
const LISTS: Readonly<Record<string, readonly string[]>> = {
  scanners: [
    "acunetix", "arachni", "commix", "dirbuster", "dirb ", "feroxbuster", "ffuf", "fimap", "fuzz faster", "gobuster", "havij", "hydra",
    "jaeles", "joomscan", "masscan", "metasploit", "nessus", "netsparker", "nikto", "nmap", "nuclei", "openvas", "qualys", "sqlmap",
    "sqlninja", "w3af", "wapiti", "wfuzz", "whatweb", "wpscan", "zgrab", "zmeu",
  ],
  aiCrawlers: [
    "ai2bot", "amazonbot", "anthropic-ai", "bytespider", "ccbot", "chatgpt-user", "claude-searchbot", "claude-user", "claude-web", "claudebot",
    "cohere-ai", "diffbot", "duckassistbot", "facebookbot", "gptbot", "imagesiftbot", "meta-externalagent", "meta-externalfetcher", "mistralai-user",
    "oai-searchbot", "omgili", "perplexity-user", "perplexitybot", "pangubot", "petalbot", "timpibot", "youbot",
  ],
  seoCrawlers: [
    "ahrefsbot", "ahrefssiteaudit", "barkrowler", "blexbot", "dataforseobot", "dotbot", "mj12bot", "rogerbot", "screaming frog", "semrushbot",
    "seokicks", "serpstatbot", "siteauditbot", "zoominfobot",
  ],
  libraries: [
    "aiohttp/", "apache-httpclient", "axios/", "curl/", "go-http-client", "guzzlehttp", "httpx/", "java/", "libwww-perl", "node-fetch",
    "okhttp", "python-requests", "python-urllib", "scrapy", "undici", "wget/",
  ],
};

/** What is wrong with one that a User-Agent is held against; undefined if nothing is. */
export function agentProblem(text: string): string | undefined {
  if (text.startsWith("~")) return patternProblem(text.slice(1));
  return text === "" ? "must be text with at least one character" : undefined;
}

const KNOWN_MAX = 512; // clients of one kind send the same; a flood of others must not be kept
const KNOWN_CHARS_MAX = 512;

/** Who is refused by the name of the program. */
export class AgentRules {
  readonly #required: boolean;
  readonly #denied: AgentTests;
  readonly #allowed: AgentTests;
  readonly #known: Map<string, string>; // by the value as it came: why, or "" for who passes

  constructor({ required, deny, allow }: AgentOptions) {
    this.#required = required;
    this.#denied = new AgentTests(deny);
    this.#allowed = new AgentTests(allow);
    this.#known = new Map();
  }

  /** Why this one is refused; "" if it is not. */
  why(agent: string | undefined): string {
    if (agent === undefined || agent === "") return this.#required ? "no User-Agent" : "";
    const known = this.#known.get(agent);
    if (known !== undefined) return known;
    const why = this.#allowed.find(agent) === undefined ? (this.#denied.find(agent) ?? "") : "";
    if (agent.length > KNOWN_CHARS_MAX) return why;
    if (this.#known.size >= KNOWN_MAX) this.#known.clear();
    this.#known.set(agent, why);
    return why;
  }
}

class AgentTests {
  readonly #words: readonly string[];
  readonly #patterns: readonly Pattern[];

  constructor(rules: readonly string[]) {
    const isPattern = (rule: string) => rule.startsWith("~");
    this.#words = rules
      .filter((rule) => !isPattern(rule))
      .flatMap((rule) => (Object.hasOwn(LISTS, rule) ? LISTS[rule]! : [rule.toLowerCase()]));
    this.#patterns = rules.filter(isPattern).map((rule) => new Pattern(rule.slice(1)));
  }

  /** Which of them the agent is. */
  find(agent: string): string | undefined {
    const lower = agent.toLowerCase();
    return (
      this.#words.find((word) => lower.includes(word)) ??
      this.#patterns.find((pattern) => pattern.test(agent))?.source
    );
  }
}
