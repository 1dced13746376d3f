import assert from "node:assert/strict";
import { test } from "node:test";
import {
  endpointOf,
  exchangeOf,
  knownLinesOf,
  knownOf,
  type Sample,
} from "../../test/support/exchange-sample.ts";
import type { Client } from "../core/exchange.ts";
import type { Runtime } from "../core/runtime.ts";
import { requestText } from "./request-text.ts";

const HEADERS = { Host: "a.test", "X-A": "1", "X-Forwarded-For": "spoofed", Connection: "x-b" };
const endpoint = endpointOf("10.0.0.21:8080");
const { runtime, client } = exchangeOf();

function runtimeWith(forwarding: Partial<Runtime["forwarding"]>): Runtime {
  return { ...runtime, forwarding: { ...runtime.forwarding, ...forwarding } };
}

test("requestText: lines that came before change nothing in what is sent", () => {
  const known = knownLinesOf(HEADERS);
  const textOf = (sample: Sample, id: string, by: Client, isKnown: boolean) => {
    const exchange = Object.assign(exchangeOf({ headers: HEADERS, ...sample }), { id, client: by });
    return requestText(isKnown ? knownOf(exchange, known) : exchange, endpoint);
  };
  const trusted = { ...client, isTrusted: true };
  const samples: readonly [Sample, Client][] = [
    [{ request: { host: "a.test" } }, client],
    [
      { request: { host: "a.test", method: "HEAD", upstreamPath: "/b", upstreamQuery: "c" } },
      client,
    ],
    [{ request: { host: "other.test" } }, client],
    [{ request: { host: "a.test", port: 81 } }, client],
    [{ request: { host: "a.test", minorVersion: 0 } }, client],
    [{ request: { host: "" } }, client],
    [{ request: { host: "a.test" } }, { ...client, wireAddress: "203.0.113.99" }],
    [{ request: { host: "a.test" } }, { ...client, localPort: 9 }],
    [{ request: { host: "a.test" } }, trusted],
    [{ request: { host: "a.test" }, runtime: runtimeWith({ pseudonym: "" }) }, client],
    [{ request: { host: "a.test" }, runtime: runtimeWith({ emitForwarded: true }) }, client],
  ];

  for (const [sample, by] of samples.flatMap((each) => [samples[0]!, each, each, samples[0]!])) {
    assert.equal(textOf(sample, "id-2", by, true), textOf(sample, "id-2", by, false));
  }
});

test("requestText: what was edited is sent, and not what came", () => {
  const known = knownLinesOf(HEADERS);
  const exchanges = [0, 1, 2].map(() =>
    knownOf(exchangeOf({ request: { host: "a.test" } }), known),
  );
  exchanges[1]!.request.headers.set("x-a", "2");
  exchanges[2]!.request.headers.add("x-c", "3");

  const texts = exchanges.map((each) => requestText(each, endpoint));

  assert.match(texts[0]!, /\r\nX-A: 1\r\n/);
  assert.match(texts[1]!, /\r\nx-a: 2\r\n/);
  assert.doesNotMatch(texts[1]!, /X-A: 1/);
  assert.match(texts[2]!, /\r\nX-A: 1\r\n(?:.*\r\n)*x-c: 3\r\n/);
});
