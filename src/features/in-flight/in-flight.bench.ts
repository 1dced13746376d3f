/**
 * What inFlight costs a request: a place taken and given back.
 *
 *     node src/features/in-flight/in-flight.bench.ts
 */
import { NO_TOOLS, toolsOf } from "../../../test/support/build-tools.ts";
import { exchangeOf, requestOf } from "../../../test/support/exchange-of.ts";
import { SimWorker } from "../../../test/support/sim-worker.ts";
import { SimWorld } from "../../../test/support/sim-world.ts";
import { inFlight } from "./in-flight.ts";

const ROUNDS = 9;
const TIMES = 300_000;

function medianNs(per: string): number {
  const tools = { ...toolsOf(new SimWorker(new SimWorld())), place: NO_TOOLS.place };
  const filter = inFlight.build(inFlight.schema.parse({ max: 10, per }), tools);
  const exchanges = Array.from({ length: 64 }, (_, at) =>
    exchangeOf({
      request: requestOf("GET /", { "x-key": `key-${at}` }),
      clientIp: `192.0.2.${at}`,
    }),
  );
  const rounds = Array.from({ length: ROUNDS }, () => {
    const beganMs = performance.now();
    for (let time = 0; time < TIMES; time++) {
      const exchange = exchanges[time & 63]!;
      filter.identified!(exchange);
      filter.finish!(exchange);
    }
    return ((performance.now() - beganMs) / TIMES) * 1e6;
  });
  return rounds.sort((a, b) => a - b)[ROUNDS >> 1]!;
}

for (const per of ["clientIp", "{header.x-key}", "all"]) {
  console.log(`inFlight per ${per}: ${medianNs(per).toFixed(0)} ns per request`);
}
