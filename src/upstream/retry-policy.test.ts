import assert from "node:assert/strict";
import { test } from "node:test";
import { FAULTS, type FaultCode } from "../core/fault.ts";
import {
  type BodyState,
  decideRetry,
  type FailedAttempt,
  isIdempotent,
  RETRY_POLICY,
  type RetryCondition,
  type RetryPolicy,
} from "./retry-policy.ts";

const EVERYTHING: readonly RetryCondition[] = [
  "connect",
  "reused",
  "reset",
  "timeout",
  "malformed",
];

function failed(more: Partial<FailedAttempt> = {}): FailedAttempt {
  return {
    failure: "reset_before_head",
    attempts: 1,
    method: "GET",
    isKeyed: false,
    body: "none",
    connectionReused: false,
    responseBegun: false,
    ...more,
  };
}

function policy(on: readonly RetryCondition[], more: Partial<RetryPolicy> = {}): RetryPolicy {
  return { ...RETRY_POLICY, on: new Set(on), ...more };
}

type Row = [name: string, policy: RetryPolicy, failed: Partial<FailedAttempt>, want: string];
const def = RETRY_POLICY;
const reset = policy(["reset"]);
const timeout = policy(["timeout"]);
const twice = policy(["reused", "timeout"], { nonIdempotent: true });
const on503 = policy([], { statuses: new Set([503]) });
const unkeyed = policy([], { statuses: new Set([503]), keyedRequests: false });
const all = policy(EVERYTHING, { nonIdempotent: true });

// biome-ignore format: a table
const rows: Row[] = [
  ["refused",                                        def,     { failure: "connect_refused" },                                     "retry"],
  ["no connection in time",                          def,     { failure: "connect_timeout" },                                     "retry"],
  ["the name is not resolved",                       def,     { failure: "name_unresolved" },                                     "retry"],
  ["refused, a POST: nothing went out",              def,     { failure: "connect_refused", method: "POST", body: "unsent" },     "retry"],
  ["refused, a POST that is kept",                   def,     { failure: "connect_refused", method: "POST", body: "replayable" }, "retry"],
  ["refused, but an earlier try took the body",      def,     { failure: "connect_refused", method: "POST", body: "gone" },       "give-up"],
  ["refused, not configured",                        reset,   { failure: "connect_refused" },                                     "give-up"],
  ["refused, the second of three",                   def,     { failure: "connect_refused", attempts: 2 },                        "retry"],
  ["refused, the third of three",                    def,     { failure: "connect_refused", attempts: 3 },                        "give-up"],
  ["refused, one attempt is all there is",           policy(EVERYTHING, { attempts: 1 }), { failure: "connect_refused" },         "give-up"],
  ["a kept connection died",                         def,     { connectionReused: true },                                      "retry"],
  ["a new connection died",                          def,     {},                                                              "give-up"],
  ["a new connection died, configured",              reset,   {},                                                              "retry"],
  ["a kept connection died, reset covers it",        reset,   { connectionReused: true },                                      "retry"],
  ["a kept connection died, not configured",         timeout, { connectionReused: true },                                      "give-up"],
  ["a kept connection died under a POST",            def,     { connectionReused: true, method: "POST" },                      "give-up"],
  ["under a POST that the route allows",             twice,   { connectionReused: true, method: "POST", body: "replayable" },  "retry"],
  ["under a POST that is gone",                      twice,   { connectionReused: true, method: "POST", body: "gone" },        "give-up"],
  ["under a PUT that is kept",                       def,     { connectionReused: true, method: "PUT", body: "replayable" },   "retry"],
  ["garbage",                                        policy(["malformed"]), { failure: "response_malformed" },                          "retry"],
  ["garbage, not configured",                        reset,   { failure: "response_malformed" },                                  "give-up"],
  ["a head cut short",                               reset,   { failure: "response_truncated" },                                  "retry"],
  ["a status",                                       on503,   { failure: 503 },                                                "retry"],
  ["another status",                                 on503,   { failure: 502 },                                                "give-up"],
  ["a status after the last try",                    on503,   { failure: 503, attempts: 3 },                                   "give-up"],
  ["a status, a POST",                               on503,   { failure: 503, method: "POST", body: "replayable" },            "give-up"],
  ["a status, a POST with a key",                    on503,   { failure: 503, method: "POST", body: "replayable", isKeyed: true }, "retry"],
  ["with a key, its body is gone",                   on503,   { failure: 503, method: "POST", body: "gone", isKeyed: true },   "give-up"],
  ["with a key, but no method for one",              on503,   { failure: 503, method: "LOCK", body: "none", isKeyed: true },   "give-up"],
  ["with a key, but the route does not go by it",    unkeyed, { failure: 503, method: "POST", body: "none", isKeyed: true },   "give-up"],
  ["under a PUT that is gone",                       def,     { connectionReused: true, method: "PUT", body: "gone" },         "give-up"],
  ["under a PUT whose body waits for 100",           def,     { connectionReused: true, method: "PUT", body: "unsent" },       "retry"],
  ["under a method that nobody knows",               def,     { connectionReused: true, method: "FROB" },                      "give-up"],
  ["under a lower-case get",                         def,     { connectionReused: true, method: "get" },                       "give-up"],
  ["no response in time",                            def,     { failure: "response_timeout" },                                    "give-up"],
  ["no response in time, configured",                timeout, { failure: "response_timeout" },                                    "retry"],
  ["no response in time, a POST",                    timeout, { failure: "response_timeout", method: "POST" },                    "give-up"],
  ["the request was not taken, configured",          timeout, { failure: "upstream_send_timeout", body: "replayable", method: "PUT" }, "retry"],
  ["the request was not taken, reset is no timeout", reset,   { failure: "upstream_send_timeout" },                               "give-up"],
  ["a kept connection timed out, reused is not it",  def,     { failure: "response_timeout", connectionReused: true },            "give-up"],
  ["the client has got a byte",                      all,     { connectionReused: true, responseBegun: true },                 "give-up"],
  ["the client has got a byte, refused",             all,     { failure: "connect_refused", responseBegun: true },                "give-up"],
  ["a response cut short that the client has seen",  all,     { failure: "response_truncated", responseBegun: true },             "give-up"],
  ["the client has left",                            all,     { failure: "client_gone" },                                         "give-up"],
];

for (const [name, rule, facts, want] of rows) {
  test(`decideRetry: ${name}: ${want}`, () => {
    assert.equal(decideRetry(rule, failed(facts)), want);
  });
}

test("decideRetry: a fault that is never to be retried is not, whatever else holds", () => {
  for (const [code, { retry }] of Object.entries(FAULTS)) {
    const facts = failed({ failure: code as FaultCode, connectionReused: true });
    assert.equal(decideRetry(all, facts), retry === "never" ? "give-up" : "retry", code);
  }
});

test("decideRetry: with nothing configured nothing is retried", () => {
  for (const code of Object.keys(FAULTS)) {
    for (const body of ["none", "unsent", "replayable", "gone"] satisfies BodyState[]) {
      const facts = failed({ failure: code as FaultCode, connectionReused: true, body });
      assert.equal(decideRetry(policy([]), facts), "give-up");
    }
  }
});

// biome-ignore format: a table
const methods: [method: string, want: boolean][] = [
  ["GET", true], ["HEAD", true], ["OPTIONS", true], ["TRACE", true], ["PUT", true], ["DELETE", true],
  ["POST", false], ["PATCH", false], ["CONNECT", false], ["LOCK", false], ["", false], ["Get", false],
];

for (const [method, want] of methods) {
  test(`isIdempotent: ${method || "nothing"}: ${want}`, () => {
    assert.equal(isIdempotent(method), want);
  });
}
