/** The heads; bodies are in test/simulation/grpc-web.test.ts. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { NO_TOOLS } from "../../../test/support/build-tools.ts";
import { exchangeOf } from "../../../test/support/exchange-sample.ts";
import { HeaderList } from "../../protocol/http/header-list.ts";
import { grpcWeb } from "./grpc-web.ts";

const filter = grpcWeb.build(true, NO_TOOLS);

function bridged(method: string, headers: Record<string, string>, answer: Record<string, string>) {
  const exchange = exchangeOf({ headers, request: { method } });
  filter.rewrite!(exchange);
  exchange.response = { status: 200, headers: HeaderList.of(answer) };
  filter.respond!(exchange);
  const { request, response, responseStages = [] } = exchange;
  return {
    type: request.headers.get("content-type"),
    takesTrailers: exchange.downstream.takesTrailers,
    fields: ["accept", "x-grpc-web"].filter((name) => request.headers.has(name)),
    answerType: response.headers.get("content-type"),
    stages: responseStages.length,
  };
}

const WEB = { "content-type": "application/grpc-web+proto;x=y", accept: "*/*", "x-grpc-web": "1" };
const GRPC = { "content-type": "application/grpc+json" };

test("grpcWeb: a call of a browser is one of gRPC, and its answer one of gRPC-Web", () => {
  assert.deepEqual(bridged("POST", WEB, GRPC), {
    type: "application/grpc+proto;x=y",
    takesTrailers: true,
    fields: [],
    answerType: "application/grpc-web+json",
    stages: 1,
  });
});

test("grpcWeb: a status in the head, or an answer of HTTP, goes through no stage", () => {
  const told = bridged("POST", WEB, { ...GRPC, "grpc-status": "5" });
  const other = bridged("POST", WEB, { "content-type": "text/html" });

  assert.deepEqual([told.answerType, told.stages], ["application/grpc-web+json", 0]);
  assert.deepEqual([other.answerType, other.stages], ["text/html", 0]);
});

for (const [method, type] of [
  ["GET", "application/grpc-web"],
  ["POST", "application/grpc"],
  ["POST", "text/plain"],
] as const) {
  test(`grpcWeb: ${method} with ${type} is left alone`, () => {
    const { answerType, stages, takesTrailers, ...request } = bridged(
      method,
      { ...WEB, "content-type": type },
      GRPC,
    );

    assert.deepEqual(request, { type, fields: ["accept", "x-grpc-web"] });
    assert.deepEqual([answerType, stages], ["application/grpc+json", 0]);
    assert.equal(takesTrailers, false);
  });
}

test("grpcWeb: true, and nothing else", () => {
  for (const options of [false, "yes", {}, 1, null]) {
    assert.equal(grpcWeb.schema.safeParse(options).success, false);
  }
});
