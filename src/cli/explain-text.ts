/** An explanation for people: from the top down, in the order in which the proxy decides. */
import { printable } from "../config/problems.ts";
import { durationText, sizeText } from "../core/fields.ts";
import type {
  ClientFacts,
  Explanation,
  FaultFacts,
  ForwardFacts,
  NumberFacts,
  Outcome,
  ReplyFacts,
  TargetFacts,
} from "./explain-facts.ts";

/** With a line break at its end. */
export function explanationText(told: Explanation): string {
  const {
    request,
    listener,
    client,
    target,
    routes = [],
    captures = {},
    filters = {},
    notes = {},
  } = told;
  const lines = [
    `${request.method} ${request.url}`,
    ...request.headers.map((header) => `  ${header}`),
    "",
    ...row("listener", [`${listener.key ?? "none"}: ${listener.why}`]),
    ...row("client", client === undefined ? [] : clientLines(client)),
    ...row("target", target === undefined ? [] : targetLines(target)),
    ...row("site", siteLines(told)),
    ...row("routes", routes.flatMap(routeLines)),
    ...row(
      "captures",
      Object.entries(captures).map(([name, value]) => `{path.${name}} = ${value}`),
    ),
    ...row(
      "filters",
      Object.entries(filters).map(([phase, names]) => `${phase}: ${names.join(", ")}`),
    ),
    ...Object.entries(notes).flatMap(([name, lines]) => row(name, lines)),
    "",
    ...outcomeLines(told.outcome),
  ];
  return `${lines.map((line) => printable(line).trimEnd()).join("\n")}\n`;
}

const LABEL_COLUMNS = 11;

/** The label beside the first line, or above it if it is long; nothing if there are no lines. */
function row(label: string, lines: readonly string[]): string[] {
  const isLong = label.length >= LABEL_COLUMNS;
  const beside = isLong ? "" : label;
  const rest = lines.map((line, index) => {
    return `${(index === 0 ? beside : "").padEnd(LABEL_COLUMNS)}${line}`;
  });
  return isLong && lines.length > 0 ? [label, ...rest] : rest;
}

function mark(isMet: boolean): string {
  return isMet ? "✓" : "✗";
}

function clientLines({ wireAddress, isAssumed, isTrusted, hops, address, scheme }: ClientFacts) {
  const assumed = isAssumed ? " (assumed, --ip says another)" : "";
  if (!isTrusted) {
    return [`${address}${assumed}: not in trust.proxies, so its forwarding fields are dropped`];
  }
  const why = hops.length === 0 ? "no X-Forwarded-For" : "by X-Forwarded-For, from the right:";
  return [
    `${address}, ${scheme}: ${why}`,
    `  ${wireAddress}${assumed} is connected, and in trust.proxies`,
    ...hops.map(({ hop, verdict }) => `  ${hop} ${VERDICTS[verdict]}`),
  ];
}

const VERDICTS = {
  trusted: "is in trust.proxies",
  client: "is not: the client",
  "no address": "is no address: the one before it stands",
} as const;

function targetLines({ received, canonical, changes, host, port }: TargetFacts): string[] {
  if (canonical === undefined) return [`${received}, refused`];
  const path = received === canonical ? canonical : `${received} → ${canonical}`;
  const why = changes.length === 0 ? "" : `: ${changes.join(", ")}`;
  return [`${path}${why}`, `for ${host}${port === undefined ? "" : `, port ${port}`}`];
}

function siteLines({ site, outcome }: Explanation): string[] {
  if (site !== undefined) return [`${site.name}: ${FOUND_BY[site.by]} ${site.host}`];
  const isNone = outcome.kind === "fault" && outcome.code === "no_site";
  return isNone ? ["none has this host"] : [];
}

const FOUND_BY: Readonly<Record<string, string>> = {
  exact: "it has the host",
  wildcard: "the longest wildcard is",
  default: "the default, it has",
};

function routeLines({ name, isMatch, conditions }: NonNullable<Explanation["routes"]>[number]) {
  const widths = {
    name: Math.max(0, ...conditions.map((each) => each.name.length)),
    wanted: Math.max(0, ...conditions.map((each) => each.wanted.length)),
  };
  const all = conditions.length === 0 ? ", matches everything" : "";
  return [
    `${mark(isMatch)} ${name}${all}`,
    ...conditions.map(
      (each) =>
        `    ${mark(each.isMet)} ${each.name.padEnd(widths.name)}  wanted ` +
        `${each.wanted.padEnd(widths.wanted)}  got ${each.actual}`,
    ),
  ];
}

function outcomeLines(outcome: Outcome): string[] {
  switch (outcome.kind) {
    case "unheard":
      return ["Nobody answers."];
    case "forward":
      return forwardLines(outcome);
    case "redirect":
      return [`Redirect: ${outcome.status} to ${outcome.location}`, "", ...replyLines(outcome)];
    case "respond":
      return [`Response: ${outcome.status}`, "", ...replyLines(outcome)];
    case "fault":
      return faultLines(outcome);
  }
}

function forwardLines(forward: ForwardFacts): string[] {
  const { target, limits, timeouts, rates } = forward;
  const isRewritten = target.sent !== target.canonical;
  return [
    `Forward: to ${forward.upstream}`,
    "",
    ...choiceRows(forward),
    ...row("balance", [balanceText(forward)]),
    ...row("endpoints", forward.endpoints.map(endpointLine)),
    ...row("target", [isRewritten ? `${target.canonical} → ${target.sent}` : target.sent]),
    ...row("retry", retryLines(forward)),
    ...row("hedge", on(forward.health.hedge)),
    ...row("checks", on(forward.health.active)),
    ...row("ejection", on(forward.health.passive)),
    ...row("breaker", on(forward.health.breaker)),
    ...row("concurrency", on(forward.health.concurrency)),
    "",
    "The request head as it would be sent:",
    "",
    ...quoted(forward.head),
    ...exampleLines(forward.examples),
    "",
    ...numberLines({
      ...within("limits", limits),
      ...within("timeouts", timeouts),
      ...within("rates", rates),
    }),
  ];
}

function choiceRows({ choice, mirror }: ForwardFacts): string[] {
  const sides = choice?.sides.map(({ upstream, weight }) => `${upstream} ${weight}`) ?? [];
  const sticky = choice?.isSticky === true ? ", a client stays on its side" : "";
  return [
    ...(sides.length > 1 ? row("split", [sides.join(", ") + sticky]) : []),
    ...(choice && choice.failover.length > 0 ? row("failover", [choice.failover.join(", ")]) : []),
    ...(mirror ? row("mirror", [`${mirror.percent}% to ${mirror.to}`]) : []),
  ];
}

function balanceText({ balance: { by, key } }: ForwardFacts): string {
  if (by !== "hash" && by !== "ipHash") return by;
  return key === undefined
    ? `${by}, but the request has no key: as by leastRequest`
    : `${by} of ${JSON.stringify(key)}`;
}

function endpointLine(endpoint: ForwardFacts["endpoints"][number]) {
  const { name, scheme, weight, backup, priority, zone, maxRequests, health } = endpoint;
  const facts = [
    ...(scheme === undefined ? [] : [`over ${scheme}`]),
    `weight ${weight}`,
    ...(backup ? ["backup"] : []),
    ...(priority === undefined ? [] : [`priority ${priority}`]),
    ...(zone === undefined ? [] : [`zone ${zone}`]),
    ...(maxRequests === undefined ? [] : [`at most ${maxRequests} requests`]),
    `health ${health}`,
    useText(endpoint),
    ...(endpoint.chosen ? ["chosen this time"] : []),
  ];
  return `${name}  ${facts.join(", ")}`;
}

/** What is off is left out. */
function on(sentence: string): string[] {
  return sentence === "off" ? [] : [sentence];
}

/** Where there are several groups, the share of requests that the endpoint's group gets. */
function useText({ usable, share, backup }: ForwardFacts["endpoints"][number]): string {
  if (usable) return share === 1 ? "usable" : `usable, its group gets ${Math.round(share * 100)}%`;
  return backup ? "stands by" : "not asked now";
}

function retryLines({ retry }: ForwardFacts): string[] {
  if (retry.attempts <= 1) return ["off"];
  const body = retry.replayBody ? ", bodies are kept for it" : "";
  const time = retry.perTryMs === undefined ? "" : `, ${durationText(retry.perTryMs)} for each`;
  const may = (isRetried: boolean) => (isRetried ? "is tried again" : "is not tried again");
  return [
    `${retry.attempts} attempts in all${time}, on ${retry.on.join(", ")}${body}`,
    `this request ${may(retry.afterFailedConnect)} after a connection that could not be made`,
    `and ${may(retry.afterDeadConnection)} after a kept connection that was dead`,
  ];
}

function faultLines({ code, status, about, detail, numbers, reply }: FaultFacts): string[] {
  return [
    `Fault: ${code}, ${status}`,
    "",
    ...row("about", [about]),
    ...row("detail", detail === "" ? [] : [detail]),
    ...numberLines(numbers),
    "",
    ...(reply === undefined ? ["Nothing is answered."] : replyLines(reply)),
  ];
}

function replyLines({ head, body, bodyBytes, examples }: ReplyFacts): string[] {
  const isCut = Buffer.byteLength(body) < bodyBytes;
  return [
    "The response as it would be sent:",
    "",
    ...quoted(head),
    ...(body === "" ? [] : quoted(body)),
    ...(isCut ? [`… ${bodyBytes} bytes in all`] : []),
    ...exampleLines(examples),
  ];
}

function exampleLines(examples: readonly string[]): string[] {
  if (examples.length === 0) return [];
  return [
    `(${examples.join(" and ")} ${examples.length === 1 ? "is an example" : "are examples"})`,
  ];
}

/** Lines of a message; the empty line at its end shows as one. */
function quoted(text: string): string[] {
  return text
    .replace(/\r?\n$/, "")
    .split(/\r?\n/)
    .map((line) => `  | ${line}`);
}

function within(group: string, numbers: NumberFacts): NumberFacts {
  return Object.fromEntries(
    Object.entries(numbers).map(([name, number]) => [`${group}.${name}`, number]),
  );
}

function numberLines(numbers: NumberFacts): string[] {
  const rows = Object.entries(numbers).map(([name, { value, from }]) => ({
    name,
    value: value === "off" ? value : valueText(name, value),
    from,
  }));
  const names = Math.max(0, ...rows.map(({ name }) => name.length));
  const values = Math.max(0, ...rows.map(({ value }) => value.length));
  return rows.map(
    ({ name, value, from }) => `${name.padEnd(names)}  ${value.padEnd(values)}  ${from}`,
  );
}

function valueText(name: string, value: number): string {
  if (name === "rates.minBytesPerSecond") return `${sizeText(value)}/s`;
  if (name.startsWith("timeouts.") || name.endsWith("Ms")) return durationText(value);
  return /Bytes$/.test(name) ? sizeText(value) : String(value);
}
