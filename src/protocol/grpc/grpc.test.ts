import assert from "node:assert/strict";
import { test } from "node:test";
import { HeaderList } from "../http/header-list.ts";
import { grpcKindOf } from "./content-type.ts";
import {
  GRPC,
  GRPC_NAMES,
  grpcMessage,
  grpcOfHttp,
  httpOfJudged,
  judgedOf,
  judgedStatus,
  judgedText,
  readGrpcStatus,
} from "./status.ts";
import { readGrpcTimeout, writeGrpcTimeout } from "./timeout.ts";

// biome-ignore format: a table
const KINDS: readonly (readonly [type: string | undefined, kind: string | undefined])[] = [
  ["application/grpc", "grpc"], ["application/grpc+proto", "grpc"], ["Application/gRPC;charset=utf-8", "grpc"],
  ["application/grpc ; x", "grpc"], ["application/grpc-web", "grpc-web"], ["application/grpc-web+json", "grpc-web"],
  ["application/grpc-web-text", "grpc-web-text"], ["application/grpc-web-text+proto", "grpc-web-text"],
  ["application/grpcx", undefined], ["application/grpc-webx", undefined], ["application/grpc-", undefined],
  ["application/json", undefined], ["text/application/grpc", undefined], ["", undefined], [undefined, undefined],
];

for (const [type, kind] of KINDS) {
  test(`grpcKindOf: ${type} is ${kind ?? "none"}`, () => {
    assert.equal(grpcKindOf(type), kind);
  });
}

test("readGrpcTimeout: a number of one to eight digits and a unit, and nothing else", () => {
  const read: readonly (readonly [string, number | undefined])[] = [
    ...([
      ["1H", 3_600_000],
      ["2M", 120_000],
      ["3S", 3_000],
      ["4m", 4],
      ["5u", 0.005],
    ] as const),
    ...([
      ["99999999S", 99_999_999_000],
      ["0m", 0],
      ["00000001S", 1_000],
    ] as const),
    ...(
      ["", "S", "1", "1s", "1h", "-1S", "+1S", "1.5S", "123456789m", " 1S", "1S ", "1SS"] as const
    ).map((text) => [text, undefined] as const),
  ];

  for (const [text, ms] of read) assert.equal(readGrpcTimeout(text), ms, text);
  assert.ok(Math.abs(readGrpcTimeout("6n")! - 6e-6) < 1e-12);
});

test("writeGrpcTimeout: what is read again is never more, and hardly less", () => {
  for (let ms = 0.01; ms < 1e14; ms *= 1.37) {
    const text = writeGrpcTimeout(ms);
    const read = readGrpcTimeout(text);

    assert.ok(read !== undefined, `${ms} ${text}`);
    assert.ok(read <= ms && read > ms * 0.99 - 0.001, `${ms} ${text} ${read}`);
  }
  assert.equal(writeGrpcTimeout(0), "0u");
  assert.equal(writeGrpcTimeout(-5), "0u");
});

test("grpcMessage: percent, controls and what is not ASCII are escaped as UTF-8", () => {
  const message = grpcMessage("\t50% of ☺\r\n");

  assert.equal(message, "%0950%25 of %E2%98%BA%0D%0A");
});

test("readGrpcStatus: what is no status of the table is unknown", () => {
  for (const [number, name] of GRPC_NAMES.entries()) {
    assert.equal(readGrpcStatus(String(number)), GRPC[name]);
  }
  for (const text of ["17", "-1", "", "00", "OK", "1.0"]) {
    assert.equal(readGrpcStatus(text), GRPC.UNKNOWN, text);
  }
});

test("grpcOfHttp and httpOfJudged: as the mapping has it, and back for what an endpoint is to blame for", () => {
  const names = [400, 401, 403, 404, 429, 500, 502, 503, 504, 418].map(grpcOfHttp);
  const statuses = GRPC_NAMES.map((name) => httpOfJudged(judgedOf(name) ?? 200));

  assert.deepEqual(names, [
    ...[
      "INTERNAL",
      "UNAUTHENTICATED",
      "PERMISSION_DENIED",
      "UNIMPLEMENTED",
      "UNAVAILABLE",
      "UNKNOWN",
    ],
    ...["UNAVAILABLE", "UNAVAILABLE", "UNAVAILABLE", "UNKNOWN"],
  ]);
  assert.deepEqual(statuses, [
    ...[200, 200, 500, 200, 504, 200, 200, 200, 429, 200, 200, 200, 200, 500, 503, 500, 200],
  ]);
});

test("judgedStatus: a head that says how the call failed is judged by that", () => {
  const judge = (fields: Record<string, string>) => judgedText(judgedStatus(HeaderList.of(fields)));

  assert.equal(judge({ "grpc-status": "14" }), "UNAVAILABLE");
  assert.equal(judge({ "grpc-status": "x" }), "UNKNOWN");
  assert.equal(judge({ "grpc-status": "0" }), "200");
  assert.equal(judge({}), "200");
  assert.deepEqual(["OK", "ok", "unavailable", "503"].map(judgedOf), new Array(4).fill(undefined));
});
