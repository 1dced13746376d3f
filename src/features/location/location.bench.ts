/**
 * What looking for places of the upstream's costs a response.
 *
 *     node src/features/location/location.bench.ts
 *
 * The figures are the least of many rounds, as the machine may be busy.
 */
import { NO_TOOLS } from "../../../test/support/build-tools.ts";
import { exchangeOf, requestOf } from "../../../test/support/exchange-of.ts";
import type { Endpoint } from "../../core/upstream.ts";
import { HeaderList, KnownLines } from "../../protocol/http/header-list.ts";
import { location } from "./location.ts";

const ROUNDS = 60;
const COUNT = 10_000;
const PLAIN =
  "server: nginx\r\ndate: Sat, 21 Nov 2026 16:40:00 GMT\r\ncontent-type: application/json\r\n" +
  "x-request-id: 4711\r\nx-frame-options: DENY\r\ncache-control: max-age=60\r\n";

const filter = location.build(location.schema.parse("auto"), NO_TOOLS);
const endpoint = {
  name: "10.0.0.1:8080",
  address: { host: "10.0.0.1", port: 8080 },
  manner: { tls: undefined },
} as Endpoint;
const attempt = { number: 1, endpoint, connectionReused: true, fault: undefined };

function nsOf(lines: string, isOn: boolean): number {
  const { offsets } = HeaderList.ofLines(lines);
  const known = new KnownLines(lines, lines.length, offsets, offsets.length);
  const request = requestOf("GET https://a.test/api/x");
  request.pathPrefixes = { client: "/api", upstream: "/v2" };
  const exchange = Object.assign(exchangeOf({ request }), { endpoint });
  const response = { status: 200, headers: HeaderList.empty() };
  exchange.response = response;
  const begin = process.cpuUsage();
  for (let index = 0; index < COUNT; index++) {
    response.headers = HeaderList.on(known);
    if (isOn) filter.receive!(exchange, attempt);
  }
  const { user, system } = process.cpuUsage(begin);
  return ((user + system) * 1000) / COUNT;
}

const variants: readonly (readonly [string, string])[] = [
  ["none of these headers", PLAIN],
  ["a Location", `${PLAIN}location: /v2/login\r\n`],
  ["a Set-Cookie", `${PLAIN}set-cookie: a=b; Path=/v2; HttpOnly\r\n`],
];
console.log("ns of CPU added to a response");
for (const [name, lines] of variants) {
  const added = Array.from({ length: ROUNDS }, () => [nsOf(lines, true), nsOf(lines, false)]);
  const least = (side: 0 | 1) => Math.min(...added.map((each) => each[side]!));
  console.log(`${name.padEnd(24)}${(least(0) - least(1)).toFixed(0).padStart(6)}`);
}
