/**
 * What CORS adds to a response, with the writing of its head.
 *
 *     node src/features/cors/cors.bench.ts
 *
 * The figures are the least of many rounds, as the machine may be busy.
 */
import { NO_TOOLS } from "../../../test/support/build-tools.ts";
import { exchangeOf, requestOf } from "../../../test/support/exchange-of.ts";
import type { Filter } from "../../core/filter.ts";
import { RESPONSE_DROPS } from "../../core/forwarding-fields.ts";
import { HeaderList, KnownLines } from "../../protocol/http/header-list.ts";
import { cors } from "./cors.ts";

const ROUNDS = 60;
const COUNT = 10_000;

const lines =
  "server: nginx\r\ndate: Sat, 21 Nov 2026 16:40:00 GMT\r\ncontent-type: application/json\r\n" +
  'vary: accept-encoding\r\netag: "4711"\r\ncache-control: max-age=60\r\n';
const { offsets } = HeaderList.ofLines(lines);
const known = new KnownLines(lines, lines.length, offsets, offsets.length);
const { build, schema } = cors;
const filter = build(
  schema.parse({ origins: ["https://a.test", "https://*.b.test"], credentials: true }),
  NO_TOOLS,
);
const forAll = build(schema.parse("*"), NO_TOOLS);

function nsOf(step: Filter["respond"], origin: string | undefined): number {
  const headers = origin === undefined ? {} : { origin };
  const exchange = exchangeOf({ request: requestOf("GET /", headers) });
  const response = { status: 200, headers: HeaderList.empty() };
  exchange.response = response;
  const begin = process.cpuUsage();
  for (let index = 0; index < COUNT; index++) {
    response.headers = HeaderList.on(known);
    step?.(exchange);
    response.headers.lines(RESPONSE_DROPS);
  }
  const { user, system } = process.cpuUsage(begin);
  return ((user + system) * 1000) / COUNT;
}

const variants: readonly (readonly [string, Filter | undefined, string | undefined])[] = [
  ["without", undefined, undefined],
  ["for all", forAll, "https://a.test"],
  ["an origin of the list", filter, "https://a.test"],
  ["one below a name", filter, "https://x.b.test"],
  ["a stranger", filter, "https://evil.invalid"],
  ["no origin", filter, undefined],
];
const figures = variants.map((): number[] => []);
for (let round = 0; round < ROUNDS; round++) {
  for (const [index, [, each, origin]] of variants.entries()) {
    figures[index]!.push(nsOf(each?.respond?.bind(each), origin));
  }
}
console.log("ns of CPU added to a response");
const [without = 0] = figures.map((all) => Math.min(...all));
for (const [index, [name]] of variants.entries()) {
  const added = Math.min(...figures[index]!) - without;
  console.log(`${name.padEnd(24)}${added.toFixed(0).padStart(6)}`);
}
