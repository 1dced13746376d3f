import assert from "node:assert/strict";
import { test } from "node:test";
import { exchangeOf } from "../../test/support/exchange-sample.ts";
import { refuse } from "./refusal.ts";

test("refuse: enforced, it is the fault's page and ends the exchange with its code", () => {
  const exchange = exchangeOf({});
  const reply = refuse(exchange, { code: "overloaded", detail: "x", retryAfterMs: 1200 });

  assert.equal(reply?.status, 503);
  assert.equal(reply?.headers?.["retry-after"], "2");
  assert.equal(exchange.fault?.code, "overloaded");
  assert.equal(exchange.warned, undefined);
});

test("refuse: headers of the filter come on top", () => {
  const reply = refuse(exchangeOf({}), { code: "overloaded", detail: "" }, "enforce", {
    "x-a": "1",
  });

  assert.equal(reply?.headers?.["x-a"], "1");
});

test("refuse: in mode warn the exchange goes on, and each code is noted once", () => {
  const exchange = exchangeOf({});

  assert.equal(refuse(exchange, { code: "overloaded", detail: "" }, "warn"), undefined);
  assert.equal(refuse(exchange, { code: "overloaded", detail: "" }, "warn"), undefined);
  assert.equal(refuse(exchange, { code: "request_target", detail: "" }, "warn"), undefined);
  assert.equal(exchange.fault, undefined);
  assert.deepEqual(exchange.warned, ["overloaded", "request_target"]);
});
