import assert from "node:assert/strict";
import { test } from "node:test";
import { HeaderList } from "../http/header-list.ts";
import { parseCacheControl } from "./cache-control.ts";
import { freshenedFields, notModifiedFields, storedLines } from "./stored-fields.ts";

function names(lines: string): string {
  return lines.replace(/:[^\r]*\r\n/g, " ").trim();
}

test("storedLines (RFC 9111 §3.1): what is about one connection is not kept", () => {
  const response = HeaderList.of({
    "Content-Type": "a/b",
    "Content-Length": "3",
    "Transfer-Encoding": "chunked",
    Connection: "close",
    "Keep-Alive": "x",
    "Proxy-Authenticate": "x",
    "Proxy-Authentication-Info": "x",
    "Proxy-Authorization": "x",
    "Proxy-Connection": "x",
    TE: "x",
    Trailer: "x",
    Upgrade: "x",
    Age: "3",
    "X-A": "1",
  });

  assert.equal(names(storedLines(response, parseCacheControl([]))), "Content-Type X-A");
});

test("storedLines (§5.2.2.4, §5.2.2.7): nor are fields that are for one client", () => {
  const response = HeaderList.of({ "X-A": "1", "X-B": "2", "X-C": "3" });
  const control = parseCacheControl(['private="x-a", no-cache="X-B"']);

  assert.equal(names(storedLines(response, control)), "X-C");
  assert.equal(response.get("x-a"), "1", "the client that asked gets them");
});

// biome-ignore format: a table
const updates: readonly [name: string, field: string, want: string][] = [
  ["a field",                            "X-A: new",                "X-A: new"],
  ["in any case",                        "x-a: new",                "x-a: new"],
  ["several lines for one",              "X-A: 1\r\nX-A: 2",        "X-A: 1|X-A: 2"],
  ["not the length",                     "Content-Length: 9",       "X-A: old"],
  ["not what the body depends on",       "Content-Encoding: br",    "X-A: old"],
  ["nor its type",                       "Content-Type: text/html", "X-A: old"],
  ["nothing of the connection",          "Keep-Alive: 1",           "X-A: old"],
  ["what is new",                        "X-B: 1",                  "X-A: old|X-B: 1"],
];
for (const [name, field, want] of updates) {
  test(`freshenedFields (RFC 9111 §3.2): ${name}`, () => {
    const stored = HeaderList.ofLines("X-A: old\r\n");

    const merged = freshenedFields(stored, HeaderList.ofLines(`${field}\r\n`));

    const lines: string[] = [];
    merged.each((each, value) => lines.push(`${each}: ${value}`));
    assert.equal(lines.join("|"), want);
  });
}

test("notModifiedFields (RFC 9110 §15.4.5): no word about a body", () => {
  const stored = HeaderList.ofLines(
    "ETag: a\r\nContent-Type: b\r\nContent-Encoding: gzip\r\nDate: c\r\n",
  );

  assert.equal(names(notModifiedFields(stored).lines(new Uint8Array(256))), "ETag Date");
});
