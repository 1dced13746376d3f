import assert from "node:assert/strict";
import { test } from "node:test";
import { BREAKER } from "../upstream/circuit-breaker.ts";
import { CHECK, HTTP_ASK } from "../upstream/health/check-options.ts";
import { PASSIVE } from "../upstream/health/passive-check.ts";
import { healthFacts } from "./explain-health.ts";

test("healthFacts: what is off", () => {
  const upstream = {
    active: undefined,
    passive: undefined,
    breaker: undefined,
    concurrency: undefined,
  };

  const off = { active: "off", passive: "off", breaker: "off", concurrency: "off", hedge: "off" };
  assert.deepEqual(healthFacts(upstream, undefined), off);
});

test("healthFacts: what is on, in a sentence each", () => {
  const ask = { ...HTTP_ASK, path: "/healthz" };
  const latency = { percentile: 95, overMs: 2_000 };
  const upstream = {
    active: { ...CHECK, port: 9000, ask },
    passive: PASSIVE,
    breaker: { ...BREAKER, latency },
    concurrency: { min: 4, max: 100 },
  };

  assert.deepEqual(healthFacts(upstream, { percentile: 95 }), {
    active: "GET /healthz on port 9000 every 5s, within 2s; 3 bad ones are down, 2 good ones up",
    passive: "5 failures in a row within 10s eject for 10s, 50% at most",
    breaker: "opens for 5s at 50% errors, or p95 over 2s of 20 requests or more within 10s",
    concurrency: "each endpoint gets as many as its latency shows that it bears, from 4 to 100",
    hedge: "a second endpoint is asked after the p95 of late",
  });
});

test("healthFacts: a check by TCP, and a hedge after a time", () => {
  const ask = { kind: "tcp", send: undefined, expect: undefined } as const;
  const active = { ...CHECK, port: undefined, ask };
  const none = { passive: undefined, breaker: undefined, concurrency: undefined };

  const facts = healthFacts({ active, ...none }, { afterMs: 200 });

  assert.match(facts.active, /^a connection every 5s/);
  assert.equal(facts.hedge, "a second endpoint is asked after 200ms");
});
