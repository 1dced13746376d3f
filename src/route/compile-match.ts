import { CidrSet } from "../base/cidr.ts";
import type { RequestHead } from "../core/exchange.ts";
import type { Geo } from "../core/geo.ts";
import { cookieValue, someCookieValue } from "../protocol/http/cookie.ts";
import { queryValue, someQueryValue } from "../protocol/http/query.ts";
import {
  AllConditions,
  AnyCondition,
  type Condition,
  NotCondition,
  PathCondition,
  PathsCondition,
  ValueCondition,
} from "./condition.ts";
import { hostTest } from "./host-pattern.ts";
import { listOf, type MatchConfig, type NamedValues, type OneOrMore } from "./match-config.ts";
import { type PathPattern, parsePathPattern } from "./path-pattern.ts";
import { type ValueTest, valueTest } from "./value-test.ts";

/**
 * The cheap and the telling conditions come first; the order changes no answer. Throws on a match
 * that the check refuses.
 */
export function compileMatch(match: MatchConfig, geo?: Geo): Condition {
  const conditions: Condition[] = [];
  const { method, scheme, path, host, header, cookie, query, clientIp, country } = match;
  if (method !== undefined) conditions.push(among("method", method, (request) => request.method));
  if (scheme !== undefined) conditions.push(among("scheme", scheme, (request) => request.scheme));
  if (path !== undefined) conditions.push(pathCondition(listOf(path).map(parsePathPattern)));
  if (host !== undefined) conditions.push(hostCondition(host));
  if (header !== undefined)
    conditions.push(...namedConditions("header", header, headerConditionOf));
  if (cookie !== undefined)
    conditions.push(...namedConditions("cookie", cookie, cookieConditionOf));
  if (query !== undefined) conditions.push(...namedConditions("query", query, queryConditionOf));
  if (clientIp !== undefined) conditions.push(clientIpCondition(clientIp));
  if (country !== undefined) conditions.push(countryCondition(country, geo));
  if (match.not !== undefined) conditions.push(new NotCondition(compileMatch(match.not, geo)));
  if (match.any !== undefined) {
    conditions.push(new AnyCondition(match.any.map((each) => compileMatch(each, geo))));
  }
  // One alone stands for itself: nearly every route has just a path.
  return conditions.length === 1 ? conditions[0]! : new AllConditions(conditions);
}

/** The names that {path.…} may have on a route with this match. */
export function captureNames(match: MatchConfig): readonly string[] {
  const own =
    match.path === undefined
      ? []
      : listOf(match.path).flatMap((path) => parsePathPattern(path).captureNames);
  return [...new Set([...own, ...(match.any ?? []).flatMap(captureNames)])];
}

function pathCondition(paths: readonly PathPattern[]): Condition {
  return paths.length === 1 ? new PathCondition(paths[0]!) : new PathsCondition(paths);
}

function shown(wanted: OneOrMore): string {
  return listOf(wanted).join(" | ");
}

function among(name: string, wanted: OneOrMore, read: (request: RequestHead) => string): Condition {
  const values = listOf(wanted);
  return new ValueCondition(name, shown(wanted), (request) => values.includes(read(request)), read);
}

function hostCondition(wanted: OneOrMore): Condition {
  const tests = listOf(wanted).map(hostTest);
  const test = ({ host }: RequestHead) => {
    for (let index = 0; index < tests.length; index++) {
      if (tests[index]!(host)) return true;
    }
    return false;
  };
  return new ValueCondition("host", shown(wanted), test, (request) => request.host);
}

function clientIpCondition(wanted: OneOrMore): Condition {
  const cidrs = new CidrSet(listOf(wanted));
  const test = (_: RequestHead, clientAddress: string) => cidrs.has(clientAddress);
  return new ValueCondition("clientIp", shown(wanted), test, (_, clientAddress) => clientAddress);
}

/** What no database knows is "unknown", so that one can ask for it. */
function countryCondition(wanted: OneOrMore, geo: Geo | undefined): Condition {
  if (geo?.hasCountries !== true)
    throw new Error("there is no database of countries (geo.country)");
  const values = listOf(wanted);
  const countryOf = (_: RequestHead, clientAddress: string) =>
    geo.country(clientAddress) || "unknown";
  const test = (request: RequestHead, clientAddress: string) =>
    values.includes(countryOf(request, clientAddress));
  return new ValueCondition("country", shown(wanted), test, countryOf);
}

interface NamedTest {
  readonly test: (request: RequestHead) => boolean;
  readonly actual: (request: RequestHead) => string | undefined;
}

function namedConditions(
  kind: string,
  values: NamedValues,
  conditionOf: (name: string, accepts: ValueTest) => NamedTest,
): readonly Condition[] {
  return Object.entries(values).map(([name, wanted]) => {
    const { test, actual } = conditionOf(name, valueTest(wanted));
    const told = (request: RequestHead) => actual(request) ?? "(none)";
    return new ValueCondition(`${kind}.${name}`, shown(wanted), test, told);
  });
}

/** Any field of that name. The lines are collected only if there may be a second one. */
function headerConditionOf(name: string, accepts: ValueTest): NamedTest {
  const test = ({ headers }: RequestHead) => {
    const value = headers.get(name);
    if (value === undefined) return false;
    return accepts(value) || headers.all(name).some(accepts);
  };
  return {
    test,
    actual: ({ headers }) => (headers.has(name) ? headers.all(name).join(" | ") : undefined),
  };
}

function cookieConditionOf(name: string, accepts: ValueTest): NamedTest {
  return {
    test: ({ headers }) => someCookieValue(headers, name, accepts),
    actual: ({ headers }) => cookieValue(headers, name),
  };
}

function queryConditionOf(name: string, accepts: ValueTest): NamedTest {
  return {
    test: ({ query }) => query !== "" && someQueryValue(query, name, accepts),
    actual: ({ query }) => queryValue(query, name),
  };
}
