import assert from "node:assert/strict";
import { test } from "node:test";
import { exchangeOf, routeOf, siteOf } from "../../test/support/exchange-sample.ts";
import { SimClock } from "../../test/support/sim-clock.ts";
import { testVocabulary } from "../../test/support/vocabulary.ts";
import { check } from "../config/check.ts";
import type { Config } from "../config/config.ts";
import { loadText } from "../config/load.ts";
import type { Exchange } from "../core/exchange.ts";
import type { Fault } from "../core/fault.ts";
import type { Runtime } from "../core/runtime.ts";
import type { InFlight } from "../transport/downstream-connection.ts";
import { Departures } from "./departures.ts";

function configOf(routes: string): Config {
  const text = `{ timeouts: { drain: 10s, drainTunnel: 60s }, upstreams: { a: "h:1", b: "h:2" },
    sites: [{ hosts: [a.test], routes: [${routes}] }] }`;
  return check(loadText(text, "sluice.yaml"), testVocabulary).config!;
}

/** A runtime is only looked at for which one it is. */
function runtimeOf(version: number): Runtime {
  return { version, listeners: new Map(), upstreams: new Map() } as unknown as Runtime;
}

interface Client extends InFlight {
  exchange: Exchange | undefined;
  cut: string; // "" while it is not
}

function clientOf(runtime: Runtime, route: string, isTunnel = false): Client {
  const exchange = exchangeOf({ runtime, site: siteOf("a.test"), route: routeOf(route) });
  return {
    exchange,
    isTunnel,
    cut: "",
    abort({ code }: Fault) {
      this.cut = code;
    },
  };
}

const FIRST = "{ name: one, forward: a }, { name: two, forward: a }";

function setUp() {
  const clock = new SimClock();
  const departures = new Departures(clock);
  const first = runtimeOf(1);
  departures.swapped(configOf(FIRST), first, []);
  const request = clientOf(first, "one");
  const tunnel = clientOf(first, "one", true);
  const stays = clientOf(first, "two", true);
  const all = [request, tunnel, stays];
  const swap = (version: number, routes: string) =>
    departures.swapped(configOf(routes), runtimeOf(version), all);
  const cuts = () => all.map(({ cut }) => cut);
  return { clock, departures, all, swap, cuts };
}

test("Departures: what is on a route that is gone has its time, tunnels longer; the rest stays", async () => {
  const { clock, swap, cuts } = setUp();

  const leaving = swap(2, "{ name: two, forward: a }");

  assert.deepEqual(leaving, { exchanges: 1, tunnels: 1 });
  await clock.advance(9_900);
  assert.deepEqual(cuts(), ["", "", ""]);
  await clock.advance(200);
  assert.deepEqual(cuts(), ["route_removed", "", ""]);
  await clock.advance(50_000);
  assert.deepEqual(cuts(), ["route_removed", "route_removed", ""]);
});

test("Departures: a route that leads elsewhere is another one, one that is changed is not", () => {
  const { swap } = setUp();

  const elsewhere = swap(2, "{ name: one, forward: b }, { name: two, forward: a }");
  const changed = swap(
    3,
    `{ name: one, forward: a, match: { path: "/x/*" } }, { name: two, forward: a }`,
  );

  assert.deepEqual(elsewhere, { exchanges: 1, tunnels: 1 });
  assert.deepEqual(changed, { exchanges: 0, tunnels: 0 });
});

test("Departures: a route that is back in time leaves alone what is on it", async () => {
  const { clock, swap, cuts } = setUp();
  swap(2, "{ name: two, forward: a }");
  await clock.advance(5_000);

  swap(3, FIRST);
  await clock.advance(120_000);

  assert.deepEqual(cuts(), ["", "", ""]);
});

test("Departures: the next exchange of a connection is not cut for the last one", async () => {
  const { clock, all, swap, cuts } = setUp();
  swap(2, "{ name: two, forward: a }");
  all[0]!.exchange = clientOf(runtimeOf(2), "two").exchange;
  all[1]!.exchange = undefined;

  await clock.advance(120_000);

  assert.deepEqual(cuts(), ["", "", ""]);
});
