/**
 * What ten edits cost, of the lines that a browser sends, with the writing of the head for the
 * endpoint: what is edited cannot be copied onward as one piece.
 *
 *     node src/features/headers/headers.bench.ts
 *
 * All variants take turns; the figures are the least of many rounds, as the machine may be busy.
 */
import { NO_TOOLS } from "../../../test/support/build-tools.ts";
import { exchangeOf, HEADERS } from "../../../test/support/exchange-sample.ts";
import type { Exchange } from "../../core/exchange.ts";
import type { Endpoint } from "../../core/upstream.ts";
import { dropTable, HeaderList, KnownLines } from "../../protocol/http/header-list.ts";
import { requestText } from "../../transport/request-text.ts";
import { headers } from "./headers.ts";

const ROUNDS = 60;
const COUNT = 10_000;

const SENT = {
  ...HEADERS,
  accept: "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8",
  "accept-language": "en-GB,en;q=0.7,de;q=0.3",
  "accept-encoding": "gzip, deflate, br, zstd",
  cookie: "session=01J9ZK3V5Q8W2M4X6Y7Z8A9B0C; theme=dark",
  "upgrade-insecure-requests": "1",
  "sec-fetch-dest": "document",
  "sec-fetch-mode": "navigate",
  "sec-fetch-site": "same-origin",
  "x-internal-user": "none",
};
const lines = HeaderList.of(SENT).lines(dropTable([]));
const { offsets } = HeaderList.ofLines(lines);
const endpoint = { name: "10.0.0.1:80", address: { host: "10.0.0.1", port: 80 } } as Endpoint;

const own = Object.fromEntries(
  ["a", "b", "c", "d", "e", "f"].map((name) => [`x-${name}`, "value"]),
);
const fixed = { set: own, remove: ["cookie", "x-debug", "referer", "x-internal-*"] };
const { "x-a": _, "x-b": __, ...rest } = own;
const mixed = { ...fixed, set: { ...rest, "x-real-ip": "{clientIp}", "x-path": "{path}" } };

const steps: readonly (readonly [string, ((exchange: Exchange) => unknown) | undefined])[] = [
  ["no edits", undefined],
  ["10 edits, the same for all", stepOf(fixed)],
  ["10 edits, 2 with values of the request", stepOf(mixed)],
];

function stepOf(request: unknown) {
  return headers.build(headers.schema.parse({ request }), NO_TOOLS).rewrite;
}

function nsOf(
  step: ((exchange: Exchange) => unknown) | undefined,
  listOf: () => HeaderList,
): number {
  const exchange = exchangeOf();
  const begin = process.cpuUsage();
  for (let index = 0; index < COUNT; index++) {
    exchange.request.headers = listOf();
    exchange.request.headersReceived = undefined;
    step?.(exchange);
    requestText(exchange, endpoint);
  }
  const { user, system } = process.cpuUsage(begin);
  return ((user + system) * 1000) / COUNT;
}

const least = (values: readonly number[]) => Math.min(...values);

const known = new KnownLines(lines, lines.length, offsets, offsets.length);
const lists: readonly (readonly [string, () => HeaderList])[] = [
  ["lines that came before", () => HeaderList.on(known)],
  [
    "lines that are new",
    () => new HeaderList(lines, lines.length, offsets.slice(), offsets.length),
  ],
];

console.log("ns of CPU to edit and write one head");
for (const [name, listOf] of lists) {
  const figures = steps.map((): number[] => []);
  for (let round = 0; round < ROUNDS; round++) {
    for (const [index, [, step]] of steps.entries()) figures[index]!.push(nsOf(step, listOf));
  }
  for (const [index, [what]] of steps.entries()) {
    const added = least(figures[index]!) - least(figures[0]!);
    const cells = `${least(figures[index]!).toFixed(0).padStart(6)} ${added.toFixed(0).padStart(6)} added`;
    console.log(`${name.padEnd(24)} ${what.padEnd(40)} ${cells}`);
  }
}
