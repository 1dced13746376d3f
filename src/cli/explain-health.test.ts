import assert from "node:assert/strict";
import { test } from "node:test";
import { BREAKER } from "../upstream/circuit-breaker.ts";
import { CHECK, HTTP_ASK } from "../upstream/health/check-options.ts";
import { PASSIVE } from "../upstream/health/passive-check.ts";
import { healthFacts } from "./explain-health.ts";

test("healthFacts: what is off", () => {
  const upstream = { active: undefined, passive: undefined, breaker: undefined };

  const off = { active: "off", passive: "off", breaker: "off", hedge: "off" };
  assert.deepEqual(healthFacts(upstream, undefined), off);
});

test("healthFacts: what is on, in a sentence each", () => {
  const ask = { ...HTTP_ASK, path: "/healthz" };
  const latency = { percentile: 95, overMs: 2_000 };
  const upstream = {
    active: { ...CHECK, port: 9000, ask },
    passive: PASSIVE,
    breaker: { ...BREAKER, latency },
  };

  assert.deepEqual(healthFacts(upstream, { percentile: 95 }), {
    active: "GET /healthz on port 9000 every 5s, within 2s; 3 bad ones are down, 2 good ones up",
    passive: "5 failures in a row within 10s eject for 10s, 50% at most",
    breaker: "opens for 5s at 50% errors, or p95 over 2s of 20 requests or more within 10s",
    hedge: "a second endpoint is asked after the p95 of late",
  });
});

test("healthFacts: a check by TCP, and a hedge after a time", () => {
  const ask = { kind: "tcp", send: undefined, expect: undefined } as const;
  const active = { ...CHECK, port: undefined, ask };

  const facts = healthFacts({ active, passive: undefined, breaker: undefined }, { afterMs: 200 });

  assert.match(facts.active, /^a connection every 5s/);
  assert.equal(facts.hedge, "a second endpoint is asked after 200ms");
});
