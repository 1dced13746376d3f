import { ENDPOINT_HOST, type Exchange } from "../../core/exchange.ts";
import type { Fault } from "../../core/fault.ts";
import type { Feature } from "../../core/feature.ts";
import type { Filter, Reply } from "../../core/filter.ts";
import { refuse } from "../../core/refusal.ts";
import { StatusSet } from "../../core/status-set.ts";
import { Template } from "../../core/template.ts";
import { parseAuthority } from "../../protocol/http/authority.ts";
import { HeadEdits, isHost } from "./head-edits.ts";
import {
  type EditOptions,
  type HeadersOptions,
  headersSchema,
  OWN_HOST,
  type ResponseEditOptions,
} from "./headers-options.ts";

/** Changes the fields of what goes to the upstream, and of what goes to the client. */
export const headers: Feature<HeadersOptions, Filter> = {
  name: "headers",
  kind: "filter",
  about: "Sets, adds, removes and replaces headers of requests and responses.",
  schema: headersSchema,

  build({ request, response }) {
    return {
      name: "headers",
      ...(request && { rewrite: requestStep(request) }),
      ...(response.length > 0 && { respond: responseStep(response) }),
      explain: () => [
        ...(request === undefined ? [] : [`request: ${shownEdits(request)}`]),
        ...response.map((each) => `response${whenText(each)}: ${shownEdits(each)}`),
      ],
    };
  },
};

function requestStep(options: EditOptions): (exchange: Exchange) => Reply | undefined {
  const edits = new HeadEdits(options, "request");
  const host = Object.entries(options.set).find(([name]) => isHost(name, "request"))?.[1];
  if (host === undefined) return (exchange) => editRequest(exchange, edits);
  const setHost = hostSetter(host);
  return (exchange) => setHost(exchange) ?? editRequest(exchange, edits);
}

function editRequest(exchange: Exchange, edits: HeadEdits): undefined {
  const { request } = exchange;
  const received = request.headers;
  request.headers = edits.apply(received, exchange);
  request.headersReceived ??= received;
}

/** What a client may have put into it must be a host all the same (SECURITY H1). */
function hostSetter(text: string): (exchange: Exchange) => Reply | undefined {
  if (text === OWN_HOST) {
    return ({ request }) => {
      request.upstreamHost = ENDPOINT_HOST;
      return undefined;
    };
  }
  const template = new Template(text, "header");
  return (exchange) => {
    const host = template.expand(exchange);
    if (parseAuthority(host, "http") === undefined) return refuse(exchange, NO_HOST);
    exchange.request.upstreamHost = host;
    return undefined;
  };
}

const NO_HOST: Fault = { code: "request_host", detail: "headers.request.set.host makes no host" };

function responseStep(options: readonly ResponseEditOptions[]): (exchange: Exchange) => undefined {
  const steps = options.map((each) => ({
    statuses: new StatusSet(each.statuses),
    edits: new HeadEdits(each, "response"),
  }));
  return (exchange) => {
    const { response } = exchange;
    if (response === undefined) return;
    for (let index = 0; index < steps.length; index++) {
      const { statuses, edits } = steps[index]!;
      if (statuses.has(response.status)) response.headers = edits.apply(response.headers, exchange);
    }
  };
}

function shownEdits({ remove, replace, set, setIfMissing, add }: EditOptions): string {
  const parts: [string, readonly string[]][] = [
    ["remove", remove],
    ["replace in", replace.map(({ name }) => name)],
    ["set", Object.keys(set)],
    ["set if missing", Object.keys(setIfMissing)],
    ["add", Object.keys(add)],
  ];
  return parts
    .filter(([, names]) => names.length > 0)
    .map(([what, names]) => `${what} ${names.join(", ")}`)
    .join("; ");
}

function whenText({ statuses }: ResponseEditOptions): string {
  if (statuses.length === 0) return "";
  const shown = statuses.map(([first, last]) =>
    first === last ? `${first}` : `${Math.floor(first / 100)}xx`,
  );
  return ` of ${shown.join(", ")}`;
}
