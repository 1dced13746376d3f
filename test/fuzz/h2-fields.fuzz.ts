/**
 * Fields of HTTP/2: what is let through is written as an HTTP/1 head, and read again by our own parser
 * of those and by node:http's. All three must see one and the same request (SECURITY S5).
 */
import { createServer, type IncomingMessage } from "node:http";
import { Duplex } from "node:stream";
import { readRequest as readH1Request } from "../../src/protocol/h1/request-facts.ts";
import { FieldSection } from "../../src/protocol/h2/field-section.ts";
import { readRequest } from "../../src/protocol/h2/request-head.ts";
import { field, GET, type Pair, POST } from "../support/h2-frames.ts";
import { fieldsOf, parseHead, REQUEST_LIMITS } from "../support/parse.ts";
import type { FuzzRun, FuzzTarget } from "./target.ts";

const text = (pairs: readonly Pair[]) => pairs.map((pair) => pair.join("\x01")).join("\x02");

export const target: FuzzTarget = {
  about: "fields: what goes through is one request, to HTTP/1 and to node:http",
  seeds: [
    GET,
    POST,
    [...GET, ["cookie", "a=1"], ["cookie", "b=2"]] as const,
    [...GET, ["host", "a.test"], ["user-agent", "x"], ["accept", "*/*"]] as const,
    [...POST, ["content-length", "5"], ["te", "trailers"], ["expect", "100-continue"]] as const,
    [
      ...GET,
      ["x-a", "\xe9"],
      ["x_b", ""],
      ["connection", "x"],
      ["transfer-encoding", "chunked"],
    ] as const,
    [
      [":method", "OPTIONS"],
      [":scheme", "https"],
      [":path", "*"],
      ["host", "a"],
    ] as const,
  ].map(text),
  async open() {
    return new FieldsRun();
  },
};

class FieldsRun implements FuzzRun {
  #passed = 0;
  #refused = 0;

  async judge(input: string): Promise<string | undefined> {
    const section = new FieldSection(REQUEST_LIMITS, "request");
    for (const line of input.split("\x02")) {
      const [name = "", ...value] = line.split("\x01");
      section.field(field(name, value.join("\x01")));
    }
    const facts = readRequest(section, false, REQUEST_LIMITS.lineBytes);
    if ("refused" in facts) {
      this.#refused++;
      return undefined;
    }
    this.#passed++;
    const { method, headers } = facts;
    const head = `${method} ${facts.target} HTTP/1.1\r\n${headers.lines(new Uint8Array(256))}\r\n`;
    const parsed = parseHead(head, [head.length]);
    if (parsed.answer !== head.length) return `HTTP/1 reads ${parsed.answer} of ${head.length}`;
    const own = readH1Request(parsed.parser, head);
    if ("refused" in own) return `HTTP/1 refuses it: ${own.refused} ${own.why}`;
    const isSame = own.method === method && own.target === facts.target;
    if (!isSame) return `HTTP/1 reads ${own.method} ${own.target}`;
    const [ours, theirs] = [fieldsOf(headers), fieldsOf(own.headers)];
    if (JSON.stringify(ours) !== JSON.stringify(theirs)) return "HTTP/1 reads other fields";
    return this.#asNodeSees(head, ours);
  }

  async #asNodeSees(head: string, ours: readonly (readonly [string, string])[]) {
    if (/\r\nexpect:/i.test(head)) return undefined; // it answers that itself
    const seen = await nodeReads(head);
    // It knows a list of methods, and is stricter about targets; but what it reads must be the same.
    if (seen === undefined) return undefined;
    const raw: string[][] = [];
    for (let at = 0; at < seen.rawHeaders.length; at += 2)
      raw.push(seen.rawHeaders.slice(at, at + 2));
    return JSON.stringify(raw) === JSON.stringify(ours)
      ? undefined
      : "node:http reads other fields";
  }

  summary(): string {
    return `${this.#passed} passed on, ${this.#refused} refused`;
  }

  async close(): Promise<void> {}
}

function nodeReads(head: string): Promise<IncomingMessage | undefined> {
  return new Promise((resolve) => {
    const server = createServer((request) => resolve(request));
    server.on("clientError", () => resolve(undefined));
    const wire = new Duplex({ read() {}, write: (_bytes, _encoding, done) => done() });
    server.emit("connection", wire);
    wire.push(Buffer.from(head, "latin1"));
    setImmediate(() => setImmediate(() => resolve(undefined)));
  });
}
