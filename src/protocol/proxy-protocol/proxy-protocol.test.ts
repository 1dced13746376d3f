import assert from "node:assert/strict";
import { test } from "node:test";
import { SeededRandom } from "../../base/seeded-random.ts";
import { crc32c } from "./crc32c.ts";
import { NO_FACTS, type ProxiedEnds, V1_BYTES_MAX, V2_BYTES_MAX } from "./proxy-header.ts";
import { readProxyHeader } from "./read-proxy-header.ts";
import { writeProxyHeader } from "./write-proxy-header.ts";

const SIGNATURE = "0d0a0d0a000d0a515549540a";
const V4 = "c0000201 c6336401 d431 01bb"; // 192.0.2.1:54321 to 198.51.100.1:443
const V6 = `${"20010db8".padEnd(31, "0")}1 ${"20010db8".padEnd(31, "0")}2 d431 01bb`;

function v2(commandAndFamily: string, ...rest: string[]): Buffer {
  const body = Buffer.from(rest.join("").replaceAll(" ", ""), "hex");
  const length = body.length.toString(16).padStart(4, "0");
  return Buffer.concat([Buffer.from(SIGNATURE + commandAndFamily + length, "hex"), body]);
}

function tlv(type: number, value: string): string {
  const bytes = Buffer.from(value, "latin1");
  return Buffer.concat([
    Buffer.from([type, bytes.length >> 8, bytes.length & 255]),
    bytes,
  ]).toString("hex");
}

/** What a header comes to, in a word or two. */
function shown(bytes: Uint8Array): string {
  const read = readProxyHeader(bytes, bytes.length);
  if (read.kind !== "header") return read.kind;
  const { ends, facts } = read.header;
  const addresses =
    ends === undefined
      ? "own"
      : `${ends.source.host} ${ends.source.port} ${ends.destination.host} ${ends.destination.port}`;
  const { authority, alpn, uniqueId, isTls } = facts;
  const said = [authority, alpn, uniqueId, isTls ? "over TLS" : ""].filter((text) => text !== "");
  return [addresses, ...said].join(" ");
}

// biome-ignore format: a table
const cases: [name: string, bytes: string | Buffer, want: string][] = [
  ["version 1 over IPv4",              "PROXY TCP4 192.0.2.1 198.51.100.1 54321 443\r\n", "192.0.2.1 54321 198.51.100.1 443"],
  ["version 1 over IPv6",              "PROXY TCP6 2001:DB8::1 2001:db8:0::2 1 65535\r\n", "2001:db8::1 1 2001:db8::2 65535"],
  ["version 1, mapped IPv4",           "PROXY TCP6 ::ffff:192.0.2.1 ::1 1 2\r\n", "192.0.2.1 1 ::1 2"],
  ["version 1, unknown",               "PROXY UNKNOWN\r\n", "own"],
  ["version 1, unknown with a tail",   "PROXY UNKNOWN ffff::1 nobody 65535 x\r\n", "own"],
  ["the longest line",                 `PROXY UNKNOWN ${"x".repeat(V1_BYTES_MAX - 16)}\r\n`, "own"],
  ["a line one byte longer",           `PROXY UNKNOWN ${"x".repeat(V1_BYTES_MAX - 15)}\r\n`, "refused"],
  ["a line without an end",            `PROXY ${"x".repeat(V1_BYTES_MAX)}`, "refused"],
  ["lower case",                       "proxy TCP4 192.0.2.1 198.51.100.1 1 2\r\n", "refused"],
  ["an unknown family",                "PROXY UDP4 192.0.2.1 198.51.100.1 1 2\r\n", "refused"],
  ["no addresses",                     "PROXY TCP4\r\n", "refused"],
  ["a port too few",                   "PROXY TCP4 192.0.2.1 198.51.100.1 1\r\n", "refused"],
  ["a word too many",                  "PROXY TCP4 192.0.2.1 198.51.100.1 1 2 3\r\n", "refused"],
  ["two spaces",                       "PROXY TCP4  192.0.2.1 198.51.100.1 1 2\r\n", "refused"],
  ["a port beyond 65535",              "PROXY TCP4 192.0.2.1 198.51.100.1 1 65536\r\n", "refused"],
  ["a port with a leading zero",       "PROXY TCP4 192.0.2.1 198.51.100.1 01 2\r\n", "refused"],
  ["a signed port",                    "PROXY TCP4 192.0.2.1 198.51.100.1 +1 2\r\n", "refused"],
  ["an octal address",                 "PROXY TCP4 192.0.2.010 198.51.100.1 1 2\r\n", "refused"],
  ["IPv6 said to be IPv4",             "PROXY TCP4 ::1 ::2 1 2\r\n", "refused"],
  ["IPv4 said to be IPv6",             "PROXY TCP6 192.0.2.1 198.51.100.1 1 2\r\n", "refused"],
  ["a line feed alone",                "PROXY TCP4 192.0.2.1 198.51.100.1 1 2\n", "refused"],
  ["a carriage return alone",          "PROXY UNKNOWN\rGET / HTTP/1.1\r\n", "refused"],
  ["a request",                        "GET / HTTP/1.1\r\n", "refused"],
  ["nothing",                          "", "more"],
  ["version 2 over IPv4",              v2("2111", V4), "192.0.2.1 54321 198.51.100.1 443"],
  ["version 2 over IPv6",              v2("2121", V6), "2001:db8::1 54321 2001:db8::2 443"],
  ["version 2 with values",            v2("2111", V4, tlv(1, "h2"), tlv(2, "A.Test"), tlv(4, "noop"), tlv(5, "id")), "192.0.2.1 54321 198.51.100.1 443 a.test h2 id"],
  ["the client came over TLS",         v2("2111", V4, tlv(0x20, "\x01\0\0\0\0")), "192.0.2.1 54321 198.51.100.1 443 over TLS"],
  ["with what HAProxy says of it",     v2("2111", V4, tlv(0x20, `\x07\0\0\0\0\x21\0\x07TLSv1.3\x22\0\x01a`)), "192.0.2.1 54321 198.51.100.1 443 over TLS"],
  ["it did not",                       v2("2111", V4, tlv(0x20, "\0\0\0\0\x01")), "192.0.2.1 54321 198.51.100.1 443"],
  ["a TLS value of four bytes",        v2("2111", V4, tlv(0x20, "\x01\0\0\0")), "refused"],
  ["a TLS value with half a value",    v2("2111", V4, tlv(0x20, "\x01\0\0\0\0\x21\0")), "refused"],
  ["one that is longer than it",       v2("2111", V4, tlv(0x20, "\x01\0\0\0\0\x21\0\x07TLS")), "refused"],
  ["LOCAL, its rest skipped",          v2("2011", V4, "ff"), "own"],
  ["LOCAL without a rest",             v2("2000"), "own"],
  ["no family",                        v2("2100"), "own"],
  ["no family, with values",           v2("2100", tlv(2, "a.test")), "own a.test"],
  ["datagrams: the wire's own ends",   v2("2112", V4), "own"],
  ["a unix socket",                    v2("2131", "00".repeat(216)), "own"],
  ["another version",                  v2("1111", V4), "refused"],
  ["another command",                  v2("2211", V4), "refused"],
  ["another family",                   v2("2141", V4), "refused"],
  ["another transport",                v2("2113", V4), "refused"],
  ["too short for IPv4",               v2("2111", V4.slice(0, -2)), "refused"],
  ["too short for IPv6",               v2("2121", V4), "refused"],
  ["too short for a path",             v2("2131", "00".repeat(215)), "refused"],
  ["a value cut short",                v2("2111", V4, "01 00"), "refused"],
  ["a value longer than the header",   v2("2111", V4, "01 0002 00"), "refused"],
  ["a unique id of 128 bytes",         v2("2111", V4, tlv(5, "x".repeat(128))), `192.0.2.1 54321 198.51.100.1 443 ${"x".repeat(128)}`],
  ["a unique id of 129 bytes",         v2("2111", V4, tlv(5, "x".repeat(129))), "refused"],
  ["a checksum of three bytes",        v2("2111", V4, "03 0003 000000"), "refused"],
  ["a wrong checksum",                 v2("2111", V4, "03 0004 00000000"), "refused"],
  ["the largest header",               v2("2000", "00".repeat(V2_BYTES_MAX - 16)), "own"],
  ["a header one byte larger",         v2("2000", "00".repeat(V2_BYTES_MAX - 15)), "refused"],
  ["the wrong signature",              Buffer.from("0d0a0d0a000d0a515549540b", "hex"), "refused"],
];

for (const [name, bytes, want] of cases) {
  test(`readProxyHeader: ${name}`, () => {
    assert.equal(shown(Buffer.from(bytes as string, "latin1")), want);
  });
}

test("readProxyHeader: every prefix asks for more, and what comes behind is left alone", () => {
  for (const [name, text, want] of cases) {
    if (want === "refused" || want === "more") continue;
    const bytes = Buffer.from(text as string, "latin1");
    for (let end = 0; end < bytes.length; end++) {
      assert.equal(readProxyHeader(bytes, end).kind, "more", `${name}, ${end} bytes`);
    }
    const behind = Buffer.concat([bytes, Buffer.from("GET / HTTP/1.1\r\n\r\n")]);
    const read = readProxyHeader(behind, behind.length);
    assert.equal(read.kind === "header" && read.next, bytes.length, name);
  }
});

test("readProxyHeader: what is refused whole is accepted at no length before", () => {
  for (const [name, text, want] of cases) {
    if (want !== "refused") continue;
    const bytes = Buffer.from(text as string, "latin1");
    for (let end = 0; end <= bytes.length; end++) {
      assert.notEqual(readProxyHeader(bytes, end).kind, "header", `${name}, ${end} bytes`);
    }
  }
});

test("readProxyHeader: no bytes make it throw", () => {
  const random = new SeededRandom(1);
  const seeds = cases.map(([, bytes]) => Buffer.from(bytes as string, "latin1"));
  for (let round = 0; round < 20_000; round++) {
    const bytes = Buffer.from(seeds[random.below(seeds.length)]!);
    for (let edit = random.below(4); edit >= 0 && bytes.length > 0; edit--) {
      bytes[random.below(bytes.length)] = random.below(256);
    }
    const read = readProxyHeader(bytes, random.below(bytes.length + 1));
    if (read.kind === "header") assert.ok(read.next <= bytes.length);
  }
});

test("crc32c: the check value of the algorithm", () => {
  const bytes = Buffer.from("123456789");
  assert.equal(crc32c(bytes, 0, bytes.length, bytes.length), 0xe3069283);
});

const from = { host: "192.0.2.1", port: 54_321 };
const to = { host: "198.51.100.1", port: 443 };
const from6 = { host: "2001:db8::1", port: 1 };
const facts = { authority: "a.test", alpn: "h2", uniqueId: "id", isTls: true };
const LOST = "the wire's own";

// biome-ignore format: a table
const writes: [name: string, version: 1 | 2, ends: ProxiedEnds | undefined, want: string][] = [
  ["version 1, IPv4",          1, { source: from, destination: to },    "192.0.2.1 54321 198.51.100.1 443"],
  ["version 1, IPv6 and IPv4", 1, { source: from6, destination: to },   "2001:db8::1 1 198.51.100.1 443"],
  ["version 1, nobody",        1, undefined,                            LOST],
  ["version 1, a unix socket", 1, { source: { host: "unix", port: 0 }, destination: to }, LOST],
  ["version 2, IPv4",          2, { source: from, destination: to },    "192.0.2.1 54321 198.51.100.1 443 a.test h2 id over TLS"],
  ["version 2, IPv6 and IPv4", 2, { source: from6, destination: to },   "2001:db8::1 1 198.51.100.1 443 a.test h2 id over TLS"],
  ["version 2, a unix socket", 2, { source: { host: "unix", port: 0 }, destination: to }, LOST],
];

for (const [name, version, ends, want] of writes) {
  test(`writeProxyHeader: ${name} is read back`, () => {
    const header = writeProxyHeader(version, ends, facts);

    assert.equal(shown(header), want === LOST ? "own" : want);
  });
}

test("writeProxyHeader: its checksum is right, and a byte that changes is seen", () => {
  const header = writeProxyHeader(2, { source: from, destination: to }, NO_FACTS);

  const changed = Buffer.from(header);
  changed[16] = changed[16]! ^ 1;

  assert.equal(readProxyHeader(header, header.length).kind, "header");
  assert.equal(readProxyHeader(changed, changed.length).kind, "refused");
});
