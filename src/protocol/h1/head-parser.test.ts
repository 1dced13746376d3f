import assert from "node:assert/strict";
import { test } from "node:test";
import {
  BAD_REQUESTS,
  BAD_RESPONSES,
  GOOD_REQUESTS,
  GOOD_RESPONSES,
} from "../../../test/support/corpus.ts";
import { byteByByte, fieldsOf, parseHead, type Role } from "../../../test/support/parse.ts";
import type { HeadLimits, HeadRefusal } from "./head-parser.ts";
import { NEED_MORE, REFUSE } from "./scan.ts";

interface HeadFacts {
  readonly answer: number;
  readonly startLine: readonly unknown[];
  readonly fields: readonly (readonly [string, string])[];
}

function factsOf(text: string, stops: readonly number[], role: Role): HeadFacts {
  const { answer, parser, text: head } = parseHead(text, stops, role);
  const { methodAt, methodEnd, targetEnd, minorVersion, status, linesEnd } = parser;
  const startLine =
    role === "request"
      ? [head.slice(methodAt, methodEnd), head.slice(methodEnd + 1, targetEnd), minorVersion]
      : [status, minorVersion];
  return {
    answer,
    startLine: [...startLine, linesEnd],
    fields: answer < 0 ? [] : fieldsOf(parser.headers(head)),
  };
}

const headEnd = (bytes: string) => bytes.indexOf("\r\n\r\n") + 4;

for (const { name, bytes, method, target, minorVersion, fields } of GOOD_REQUESTS) {
  test(`HeadParser: a request, ${name}`, () => {
    const end = headEnd(bytes);

    const whole = factsOf(bytes, [bytes.length], "request");

    assert.equal(whole.answer, end);
    assert.deepEqual(whole.startLine.slice(0, 3), [method, target, minorVersion]);
    assert.deepEqual(whole.fields, fields);
    for (let stop = 0; stop < end; stop++) {
      assert.equal(parseHead(bytes, [stop]).answer, NEED_MORE, `prefix of ${stop}`);
      assert.deepEqual(factsOf(bytes, [stop, bytes.length], "request"), whole, `split at ${stop}`);
    }
    assert.deepEqual(factsOf(bytes, byteByByte(bytes), "request"), whole);
  });
}

for (const { name, bytes, status, minorVersion, fields } of GOOD_RESPONSES) {
  test(`HeadParser: a response, ${name}`, () => {
    const end = headEnd(bytes);

    const whole = factsOf(bytes, [bytes.length], "response");

    assert.equal(whole.answer, end);
    assert.deepEqual(whole.startLine.slice(0, 2), [status, minorVersion]);
    assert.deepEqual(whole.fields, fields);
    for (let stop = 0; stop < end; stop++) {
      assert.equal(parseHead(bytes, [stop], "response").answer, NEED_MORE, `prefix of ${stop}`);
      assert.deepEqual(factsOf(bytes, [stop, bytes.length], "response"), whole, `split at ${stop}`);
    }
    assert.deepEqual(factsOf(bytes, byteByByte(bytes), "response"), whole);
  });
}

const FAULTS: Readonly<Record<Role, Readonly<Record<HeadRefusal, string>>>> = {
  request: {
    grammar: "request_malformed",
    version: "request_version",
    "line-too-long": "request_line_too_long",
    "fields-too-large": "request_head_too_large",
  },
  response: {
    grammar: "response_malformed",
    version: "response_malformed",
    "line-too-long": "response_head_too_large",
    "fields-too-large": "response_head_too_large",
  },
  trailers: { grammar: "", version: "", "line-too-long": "", "fields-too-large": "" },
};

for (const [role, corpus] of [
  ["request", BAD_REQUESTS],
  ["response", BAD_RESPONSES],
] as const) {
  for (const { name, bytes, faults } of corpus.filter(({ stage }) => stage === "head")) {
    test(`HeadParser: no ${role}, ${name}`, () => {
      for (const stops of [[bytes.length], byteByByte(bytes)]) {
        const { answer, parser } = parseHead(bytes, stops, role);

        assert.equal(answer, REFUSE);
        const fault = FAULTS[role][parser.refusal!];
        assert.ok(faults.includes(fault as never), `${fault}, not ${faults.join(" or ")}`);
      }
    });
  }
}

const SMALL: HeadLimits = { lineBytes: 20, fieldBytes: 100, fieldCount: 2 };
const START = "GET / HTTP/1.1\r\n";

// Every field counts its name, its value and 32 more. Two of 18 make exactly 100.
// biome-ignore format: a table
const limits: [name: string, text: string, want: HeadRefusal | "accepted"][] = [
  ["a line of exactly lineBytes",              "GET /678901 HTTP/1.1\r\n\r\n", "accepted"],
  ["a line of one more",                       "GET /6789012 HTTP/1.1\r\n\r\n", "line-too-long"],
  ["a line of two more that has not ended",    "GET /67890123 HTTP/1.1", "line-too-long"],
  ["exactly fieldBytes in one field",          `${START}a:${"b".repeat(67)}\r\n\r\n`, "accepted"],
  ["one byte more in one field",               `${START}a:${"b".repeat(68)}\r\n\r\n`, "fields-too-large"],
  ["exactly fieldBytes in two fields",         `${START}a:${"b".repeat(17)}\r\na:${"b".repeat(17)}\r\n\r\n`, "accepted"],
  ["one byte more in two fields",              `${START}a:${"b".repeat(17)}\r\na:${"b".repeat(18)}\r\n\r\n`, "fields-too-large"],
  ["exactly fieldCount",                       `${START}a:1\r\nb:2\r\n\r\n`, "accepted"],
  ["one field more",                           `${START}a:1\r\nb:2\r\nc:3\r\n\r\n`, "fields-too-large"],
  ["spaces around a value do not count",       `${START}a:${" ".repeat(20)}b${" ".repeat(20)}\r\n\r\n`, "accepted"],
  ["a line of more spaces than a section has", `${START}a:${" ".repeat(100)}b\r\n\r\n`, "fields-too-large"],
  ["a value of nothing but spaces",            `${START}a:${" ".repeat(60)}\r\n\r\n`, "accepted"],
  ["exactly as many spaces as there is room",  `${START}a:${" ".repeat(96)}b\r\n\r\n`, "accepted"],
];

for (const [name, text, want] of limits) {
  test(`HeadParser: limits: ${name}`, () => {
    const outcome = (stops: readonly number[]) => {
      const { answer, parser } = parseHead(text, stops, "request", SMALL);
      return answer === REFUSE ? parser.refusal : answer === text.length ? "accepted" : "more";
    };

    assert.equal(outcome([text.length]), want);
    for (let stop = 0; stop < text.length; stop++) {
      assert.equal(outcome([stop, text.length]), want, `split at ${stop}`);
    }
    assert.equal(outcome(byteByByte(text)), want);
  });
}

test("HeadParser: after reset() the next head is read as the first one was", () => {
  const { parser } = parseHead("GET / HTTP/1.1\r\nHost: a\r\nX_Y: 1\r\n\r\n", [100]);
  const bytes = Buffer.from("PUT /b HTTP/1.0\r\n\r\n");

  parser.reset();

  assert.equal(parser.parse(bytes, 0, bytes.length), bytes.length);
  assert.equal(parser.minorVersion, 0);
  assert.deepEqual(fieldsOf(parser.headers(bytes.toString("latin1"))), []);
});

test("HeadParser: a header list that was handed out outlives the next head", () => {
  const text = "GET / HTTP/1.1\r\nHost: a.test\r\n\r\n";
  const { parser } = parseHead(text, [text.length]);
  const first = parser.headers(text);

  parser.reset();
  const bytes = Buffer.from("GET / HTTP/1.1\r\nX: 1\r\nY: 2\r\n\r\n");
  parser.parse(bytes, 0, bytes.length);

  assert.deepEqual(fieldsOf(first), [["Host", "a.test"]]);
});

// biome-ignore format: a table
const trailers: [name: string, text: string, want: number][] = [
  ["none",                        "\r\n", 2],
  ["one",                         "X-A: 1\r\n\r\n", 10],
  ["bytes behind them",           "X-A: 1\r\n\r\nGET /", 10],
  ["a start line",                "GET / HTTP/1.1\r\n\r\n", REFUSE],
  ["a bare LF",                   "X-A: 1\n\r\n", REFUSE],
  ["the empty line is not there", "X-A: 1\r\n", NEED_MORE],
];

for (const [name, text, want] of trailers) {
  test(`HeadParser: trailers: ${name}`, () => {
    assert.equal(parseHead(text, [text.length], "trailers").answer, want);
    assert.equal(parseHead(text, byteByByte(text), "trailers").answer, want);
  });
}
