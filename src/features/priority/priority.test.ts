import assert from "node:assert/strict";
import { test } from "node:test";
import { toolsOf } from "../../../test/support/build-tools.ts";
import { exchangeOf, requestOf } from "../../../test/support/exchange-of.ts";
import { SimWorker } from "../../../test/support/sim-worker.ts";
import { SimWorld } from "../../../test/support/sim-world.ts";
import type { Reply } from "../../core/filter.ts";
import { PRIORITIES, Shedder } from "../../core/shedder.ts";
import { priority } from "./priority.ts";

function stage(level: number) {
  const world = new SimWorld();
  const worker = new SimWorker(world);
  const { wheel } = worker;
  const options = { loopDelayMs: 50, memoryShare: 0.85, requestsMax: 100 };
  const shedder = new Shedder(options, { world, wheel, requests: () => 0 });
  for (let look = 0; look < level * 10; look++)
    shedder.look({ delayMs: 100, memoryShare: 0, requests: 0 });
  return { ...toolsOf(worker), shedder };
}

for (const own of PRIORITIES) {
  test(`priority: ${own} while all but critical is shed`, () => {
    const filter = priority.build(priority.schema.parse(own), stage(3.5));
    const exchange = exchangeOf({ request: requestOf("GET /") });

    const reply = filter.admit?.(exchange) as Reply | undefined;

    assert.equal(reply?.status, own === "critical" ? undefined : 503);
    assert.equal(exchange.fault?.code, own === "critical" ? undefined : "overloaded");
    if (reply !== undefined) assert.match(reply.headers!["retry-after"]!, /^[1-4]$/);
  });
}

test("priority: it has no part in anything where nothing is shed", () => {
  const { shedder: _, ...tools } = stage(3);

  assert.equal(priority.build("low", tools).admit, undefined);
});
