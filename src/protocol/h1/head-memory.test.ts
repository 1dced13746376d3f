/** What was remembered must never show: who has read heads before answers as one who has not. */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  BAD_REQUESTS,
  BAD_RESPONSES,
  GOOD_REQUESTS,
  GOOD_RESPONSES,
} from "../../../test/support/corpus.ts";
import { fieldsOf, REQUEST_LIMITS, RESPONSE_LIMITS } from "../../../test/support/parse.ts";
import { dropTable } from "../http/header-list.ts";
import { HeadParser } from "./head-parser.ts";
import { readRequest } from "./request-facts.ts";
import { readResponse } from "./response-facts.ts";

const KEEP_ALL = dropTable([]);

/** One connection's reader of heads. */
class Reader {
  readonly parser: HeadParser;
  readonly #role: "request" | "response";

  constructor(role: "request" | "response") {
    this.parser = new HeadParser(role, role === "request" ? REQUEST_LIMITS : RESPONSE_LIMITS);
    this.#role = role;
  }

  /** All that there is to know of a head that comes in pieces which end at `stops`. */
  read(text: string, method = "GET", stops: readonly number[] = [text.length]): unknown {
    const { parser } = this;
    const bytes = Buffer.from(text, "latin1");
    parser.reset();
    let after = -1;
    for (const stop of stops) {
      after = parser.parse(bytes, 0, stop);
      if (after !== -1) break;
    }
    if (after < 0) return { after, refusal: parser.refusal };
    const head = parser.textOf(bytes, 0, after);
    const facts =
      this.#role === "request" ? readRequest(parser, head) : readResponse(parser, head, method);
    if (typeof facts === "string" || "refused" in facts) return { after, facts };
    const { headers, ...others } = facts;
    const { linesEnd, minorVersion, hasOddNames } = parser;
    const lines = headers.lines(KEEP_ALL);
    return {
      after,
      ...others,
      linesEnd,
      minorVersion,
      hasOddNames,
      lines,
      fields: fieldsOf(headers),
    };
  }
}

function readerThatKnows(role: "request" | "response", text: string, method = "GET"): Reader {
  const reader = new Reader(role);
  for (let time = 0; time < 3; time++) reader.read(text, method);
  return reader;
}

const REQUEST =
  "GET /a HTTP/1.1\r\nHost: a.test\r\nX-A: 1\r\nConnection: keep-alive\r\nCookie: a=b\r\n\r\n";
const RESPONSE =
  "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 12\r\nKeep-Alive: timeout=5\r\n\r\n";

for (const { name, bytes } of [...GOOD_REQUESTS, ...BAD_REQUESTS]) {
  test(`HeadMemory: a request, ${name}: the same after others, and again`, () => {
    const want = new Reader("request").read(bytes);

    assert.deepEqual(readerThatKnows("request", REQUEST).read(bytes), want);
    assert.deepEqual(readerThatKnows("request", bytes).read(bytes), want);
  });
}

for (const { name, bytes } of [...GOOD_RESPONSES, ...BAD_RESPONSES]) {
  test(`HeadMemory: a response, ${name}: the same after others, and again`, () => {
    for (const method of ["GET", "HEAD"]) {
      const want = new Reader("response").read(bytes, method);

      assert.deepEqual(readerThatKnows("response", RESPONSE).read(bytes, method), want);
      assert.deepEqual(readerThatKnows("response", bytes, "GET").read(bytes, method), want);
      assert.deepEqual(readerThatKnows("response", bytes, "HEAD").read(bytes, method), want);
    }
  });
}

for (const [role, text] of [
  ["request", REQUEST],
  ["response", RESPONSE],
] as const) {
  test(`HeadMemory: a ${role} that differs in one byte is read anew`, () => {
    for (let at = 0; at < text.length; at++) {
      for (const byte of ["\r", "\n", " ", ":", "x", "\0", "\xff"]) {
        const other = text.slice(0, at) + byte + text.slice(at + 1);
        const want = new Reader(role).read(other);
        assert.deepEqual(readerThatKnows(role, text).read(other), want, `${byte} at ${at}`);
      }
      const shorter = text.slice(0, at) + text.slice(at + 1);
      const want = new Reader(role).read(shorter);
      assert.deepEqual(readerThatKnows(role, text).read(shorter), want, `without ${at}`);
    }
  });

  test(`HeadMemory: a ${role} that is known, split at every byte`, () => {
    const want = new Reader(role).read(text);

    for (let stop = 1; stop < text.length; stop++) {
      const got = readerThatKnows(role, text).read(text, "GET", [stop, text.length]);
      assert.deepEqual(got, want, `split at ${stop}`);
    }
  });
}

test("HeadMemory: the known lines below another start line", () => {
  const reader = readerThatKnows("request", REQUEST);

  for (const startLine of ["POST /other?q HTTP/1.1", "GET / HTTP/1.0", "TRACE / HTTP/1.1"]) {
    const text = REQUEST.replace("GET /a HTTP/1.1", startLine);
    assert.deepEqual(reader.read(text), new Reader("request").read(text), startLine);
  }
});

test("HeadMemory: what one exchange drops and adds, the next one does not miss or see", () => {
  const reader = readerThatKnows("request", REQUEST);
  const bytes = Buffer.from(REQUEST, "latin1");
  const headersOf = () => {
    reader.parser.reset();
    reader.parser.parse(bytes, 0, bytes.length);
    return reader.parser.headers(reader.parser.textOf(bytes, 0, bytes.length));
  };

  const first = headersOf();
  const asKnown = first.known;
  first.delete("x-a");
  first.set("cookie", "none");
  const other = headersOf();

  assert.notEqual(asKnown, undefined);
  assert.equal(first.known, undefined);
  assert.equal(other.known, asKnown);
  assert.equal(other.get("x-a"), "1");
  assert.equal(other.get("cookie"), "a=b");
  assert.equal(first.lines(KEEP_ALL).includes("X-A"), false);
  assert.equal(other.lines(KEEP_ALL), REQUEST.slice(REQUEST.indexOf("\n") + 1, -2));
});

test("HeadMemory: a connection with one request remembers nothing", () => {
  const parser = new HeadParser("request", REQUEST_LIMITS);
  const bytes = Buffer.from(REQUEST, "latin1");

  const after = parser.parse(bytes, 0, bytes.length);

  assert.equal(parser.headers(parser.textOf(bytes, 0, after)).known, undefined);
});

test("HeadMemory: heads that never come again are remembered less and less", () => {
  const reader = new Reader("request");
  let remembered = 0;

  for (let count = 0; count < 1000; count++) {
    reader.read(REQUEST.replace("a=b", `a=${count}`));
    if (reader.parser.known !== undefined) remembered++;
  }

  assert.ok(remembered > 1 && remembered < 50, `${remembered}`);
});

test("HeadMemory: a head too large to be kept for each connection is not", () => {
  const text = REQUEST.replace("a=b", "b".repeat(2048));
  const reader = readerThatKnows("request", text);

  reader.read(text);

  assert.equal(reader.parser.known, undefined);
});
