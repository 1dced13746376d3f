/**
 * What does it cost to find a route as tables grow? `node src/route/route.bench.ts` prints
 * nanoseconds per find; the rows are measured in turn, and the median of the rounds counts.
 */
import { exchangeOf, requestOf, routeNamed } from "../../test/support/exchange-of.ts";
import type { RequestHead } from "../core/exchange.ts";
import type { RouteTable, Site, SiteTable } from "../core/runtime.ts";
import type { MatchConfig } from "./match-config.ts";
import { compileRoutes } from "./route-table.ts";
import { compileSites } from "./site-table.ts";

const ROUNDS = 15;
const SLICE_MS = 20;
const REQUEST_COUNT = 1024; // a power of two

interface Row {
  readonly name: string;
  readonly find: (request: RequestHead) => unknown;
  readonly requests: readonly RequestHead[];
  readonly samples: number[];
}

const routesOfOneSite: readonly MatchConfig[] = [
  ...Array.from({ length: 8 }, (_, index) => ({ path: `/api/v1/part-${index}/*` })),
  { path: "/users/:id", method: "GET" },
  {},
];

function tableOf(matches: readonly MatchConfig[]): RouteTable {
  return compileRoutes(matches.map((match, number) => ({ match, route: routeNamed(`${number}`) })));
}

function sitesRow(count: number, isWildcard: boolean): Row {
  const prefix = isWildcard ? "*." : "";
  const sites = compileSites(
    Array.from({ length: count }, (_, index) => ({
      hosts: [`${prefix}shop-${index}.example.com`],
      site: exchangeOf({ request: requestOf("GET /"), routes: tableOf(routesOfOneSite) })
        .site as Site,
    })),
  );
  const paths = ["/api/v1/part-0/x", "/api/v1/part-7/a/b", "/users/17", "/assets/app.css"];
  const requests = Array.from({ length: REQUEST_COUNT }, (_, index) => {
    const label = isWildcard ? "www." : "";
    const host = `${label}shop-${(index * 7919) % count}.example.com`;
    return requestOf(`GET http://${host}${paths[index % paths.length]}`);
  });
  const find = (request: RequestHead) => findIn(sites, request);
  return {
    name: `${count} ${isWildcard ? "wildcard " : ""}sites x 10 routes`,
    find,
    requests,
    samples: [],
  };
}

function findIn(sites: SiteTable, request: RequestHead): unknown {
  return sites.find(request.host)?.routes.find(request, "192.0.2.7");
}

function routesRow(
  name: string,
  count: number,
  matchOf: (index: number) => MatchConfig,
  pathOf: (index: number) => string,
): Row {
  const table = tableOf([...Array.from({ length: count }, (_, index) => matchOf(index)), {}]);
  const requests = Array.from({ length: REQUEST_COUNT }, (_, index) =>
    requestOf(`GET ${pathOf((index * 7919) % count)}`),
  );
  return {
    name: `${count} ${name}`,
    find: (request) => table.find(request, "192.0.2.7"),
    requests,
    samples: [],
  };
}

function measure(row: Row): number {
  const { find, requests } = row;
  let count = 0;
  let found = 0;
  const start = process.hrtime.bigint();
  const end = start + BigInt(SLICE_MS * 1e6);
  let now = start;
  while (now < end) {
    for (let index = 0; index < REQUEST_COUNT; index++) {
      if (find(requests[index]!) !== undefined) found++;
    }
    count += REQUEST_COUNT;
    now = process.hrtime.bigint();
  }
  if (found !== count) throw new Error(`${row.name}: ${count - found} not found`);
  return Number(now - start) / count;
}

const rows: readonly Row[] = [
  sitesRow(10, false),
  sitesRow(10_000, false),
  sitesRow(10, true),
  sitesRow(10_000, true),
  ...[10, 10_000].flatMap((count) => [
    routesRow(
      "exact routes in one site",
      count,
      (index) => ({ path: `/shop/item-${index}` }),
      (index) => `/shop/item-${index}`,
    ),
    routesRow(
      "prefix routes in one site",
      count,
      (index) => ({ path: `/tenant-${index}/*` }),
      (index) => `/tenant-${index}/a/b`,
    ),
    routesRow(
      "parameter routes in one site",
      count,
      (index) => ({ path: `/users/:id/part-${index}` }),
      (index) => `/users/42/part-${index}`,
    ),
  ]),
];

for (let round = -2; round < ROUNDS; round++) {
  for (const row of round % 2 === 0 ? rows : rows.toReversed()) {
    const sample = measure(row);
    if (round >= 0) row.samples.push(sample); // the first rounds warm up
  }
}
for (const { name, samples } of rows) {
  const sorted = samples.toSorted((a, b) => a - b);
  console.log(`${name.padEnd(44)} ${sorted[sorted.length >> 1]!.toFixed(0).padStart(6)} ns`);
}
