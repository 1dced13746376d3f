/**
 * What requestFilter costs a request.
 *
 *     node src/features/request-filter/request-filter.bench.ts
 */
import { NO_TOOLS } from "../../../test/support/build-tools.ts";
import { exchangeOf, requestOf } from "../../../test/support/exchange-of.ts";
import { requestFilter } from "./request-filter.ts";

const ROUNDS = 7;
const TIMES = 200_000;

const FIELDS = {
  host: "a.test",
  "user-agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
  accept: "*/*",
  "accept-language": "en",
  "accept-encoding": "gzip, br",
  "content-type": "application/json",
  "x-api-version": "12",
  cookie: "a=b; c=d",
};

const rest = {
  methods: ["GET", "POST", "DELETE"],
  hide: ["dotfiles", "~\\.(bak|sql|swp)$"],
  contentTypes: ["application/json", "*/*+json"],
  query: { bytes: "2KiB", count: 50 },
  userAgents: { required: true, deny: ["scanners", "EvilBot"], allow: "our-monitor" },
};

function measured(name: string, options: object): void {
  const filter = requestFilter.build(requestFilter.schema.parse(options), NO_TOOLS);
  const exchange = exchangeOf({ request: requestOf("POST /v1/orders/4711?page=2", FIELDS) });
  Object.assign(exchange.downstream, { requestFraming: { kind: "length", bytes: 5 } });
  const rounds = Array.from({ length: ROUNDS }, () => {
    const beganMs = performance.now();
    for (let time = 0; time < TIMES; time++) filter.admit!(exchange);
    return ((performance.now() - beganMs) / TIMES) * 1000;
  });
  console.log(`${name}: ${rounds.sort((a, b) => a - b)[ROUNDS >> 1]!.toFixed(2)} µs`);
}

measured("methods alone", { methods: ["GET", "POST"] });
measured("without headers", rest);
measured("all", {
  ...rest,
  headers: { require: { "x-api-version": "~^[0-9]+$" }, count: 60, valueBytes: "4KiB" },
});
