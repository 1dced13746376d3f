import { CidrSet } from "../../base/cidr.ts";
import type { Directory } from "../../core/directory.ts";
import type { Exchange } from "../../core/exchange.ts";
import { FAULTS, type Fault } from "../../core/fault.ts";
import type { BuildTools, Feature } from "../../core/feature.ts";
import { durationText } from "../../core/fields.ts";
import type { Filter, Reply } from "../../core/filter.ts";
import { refusal } from "../../core/refusal.ts";
import { Template } from "../../core/template.ts";
import { preferredType } from "../../protocol/http/accept.ts";
import { reasonOf } from "../../protocol/http/status.ts";
import { type MaintenanceOptions, maintenanceSchema, PAGE_NAMES } from "./maintenance-options.ts";

/** Tells all but a few to come again later. */
export const maintenance: Feature<MaintenanceOptions, Filter> = {
  name: "maintenance",
  kind: "filter",
  about:
    "Answers 503 for as long as it is on; operators switch it on and off, for routes and sites.",
  schema: maintenanceSchema,
  build: (options, tools) => new Maintenance(options, tools),
};

const OFFERS = ["text/html", "text/plain", "application/problem+json", "application/json"];
const { status: STATUS } = FAULTS.maintenance;

class Maintenance implements Filter {
  readonly name = "maintenance";
  readonly #options: MaintenanceOptions;
  readonly #switch: Switch | undefined;
  readonly #allowed: CidrSet;
  readonly #page: Template | undefined;
  readonly #fault: Fault;

  constructor(options: MaintenanceOptions, { directory, site, place }: BuildTools) {
    const { allow, html, retryAfterMs } = options;
    this.#options = options;
    this.#switch = directory && new Switch(directory, site, place);
    this.#allowed = new CidrSet(allow.filter((each) => each !== "unix"));
    this.#page = html === undefined ? undefined : new Template(html, "html", PAGE_NAMES);
    this.#fault = { code: "maintenance", detail: "", retryAfterMs };
  }

  admit(exchange: Exchange): Reply | undefined {
    if (!this.#isOn || this.#isAllowed(exchange.client.address)) return undefined;
    const reply = refusal(exchange, this.#fault);
    return this.#page === undefined ? reply : withPage(reply, this.#page, exchange);
  }

  explain(exchange: Exchange): readonly string[] {
    if (!this.#isOn) return ["off, unless an operator has said otherwise"];
    if (this.#isAllowed(exchange.client.address)) return ["on, and this client may pass"];
    return [`on: ${STATUS}, to come again in ${durationText(this.#options.retryAfterMs)}`];
  }

  get #isOn(): boolean {
    return this.#switch?.isOn ?? this.#options.isOn;
  }

  #isAllowed(address: string): boolean {
    const { allow } = this.#options;
    if (allow.length === 0) return false;
    return address === "unix" ? allow.includes("unix") : this.#allowed.has(address);
  }
}

/** What operators have said of a route, or of its site, if anything. */
class Switch {
  readonly #directory: Directory;
  readonly #places: readonly string[]; // the nearest first
  #version: number; // of the directory, that what follows was looked up in
  #isOn: boolean | undefined;

  constructor(directory: Directory, site: string, place: string) {
    this.#directory = directory;
    this.#places = [place, site];
    this.#version = -1;
    this.#isOn = undefined;
  }

  /** undefined: the config decides. */
  get isOn(): boolean | undefined {
    const { version } = this.#directory;
    if (version === this.#version) return this.#isOn;
    const found = this.#places.map((place) => this.#directory.find("maintenance", place));
    this.#version = version;
    this.#isOn = found.find((each) => each !== undefined)?.isOn;
    return this.#isOn;
  }
}

/** For who likes a page best; programs get what they get for any fault. */
function withPage(reply: Reply, page: Template, exchange: Exchange): Reply {
  if (preferredType(exchange.request.headers.get("accept"), OFFERS) !== "text/html") return reply;
  const values = { status: `${STATUS}`, title: reasonOf(STATUS), code: "maintenance" };
  const headers = { ...reply.headers, "content-type": "text/html; charset=utf-8" };
  return { ...reply, headers, body: page.expand(exchange, values) };
}
