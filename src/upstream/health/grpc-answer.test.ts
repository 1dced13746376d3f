import assert from "node:assert/strict";
import { test } from "node:test";
import { HeaderList } from "../../protocol/http/header-list.ts";
import { GrpcAnswer } from "./grpc-answer.ts";

const SERVING = Buffer.from("00000000020801", "hex");
const NOT_SERVING = Buffer.from("00000000020802", "hex");

function fields(status: string | undefined): HeaderList {
  const list = HeaderList.empty();
  if (status !== undefined) list.set("grpc-status", status);
  return list;
}

interface Said {
  readonly status?: number;
  readonly head?: string; // grpc-status in the head
  readonly body?: readonly Buffer[];
  readonly trailers?: string | undefined;
}

function findingOf({ status = 200, head, body = [SERVING], trailers = "0" }: Said): string {
  const found: string[] = [];
  const answer = new GrpcAnswer((finding) => found.push(finding ?? "good"));
  answer.head(status, fields(head));
  for (const bytes of body) answer.bytes(bytes);
  answer.end(trailers === "" ? undefined : fields(trailers));
  return found[0] ?? "nothing"; // a probe takes the first
}

// biome-ignore format: a table
const cases: [name: string, said: Said, want: string][] = [
  ["serving",                    {}, "good"],
  ["in two pieces",              { body: [SERVING.subarray(0, 3), SERVING.subarray(3)] }, "good"],
  ["not serving",                { body: [NOT_SERVING] }, "NOT_SERVING"],
  ["serving, but it failed",     { trailers: "14" }, "UNAVAILABLE"],
  ["a head alone: no such call", { head: "12", body: [], trailers: "" }, "UNIMPLEMENTED"],
  ["a head alone: all is well",  { head: "0", body: [], trailers: "" }, "no message"],
  ["no such service",            { head: "5", body: [], trailers: "" }, "NOT_FOUND"],
  ["a status that is none",      { trailers: "x" }, "UNKNOWN"],
  ["no trailers: a web server",  { body: [Buffer.from("<html>")], trailers: "" }, "no grpc-status"],
  ["no status of HTTP's kind",   { status: 503, body: [] }, "status 503"],
  ["no message",                 { body: [] }, "no message"],
  ["two messages",               { body: [SERVING, SERVING] }, "not one message"],
  ["without end",                { body: [Buffer.alloc(1_025)] }, "the answer is too long"],
];

for (const [name, said, want] of cases) {
  test(`GrpcAnswer: ${name}`, () => assert.equal(findingOf(said), want));
}
