import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parseAuthority } from "./authority.ts";

// biome-ignore format: a table
const cases: [name: string, text: string, want: string, scheme?: "https"][] = [
  ["a name",                     "a.test",              "a.test 0"],
  ["a name and a port",          "a.test:8080",         "a.test 8080"],
  ["upper case",                 "A.Test",              "a.test 0"],
  ["a trailing dot",             "a.test.",             "a.test 0"],
  ["a trailing dot and a port",  "A.test.:81",          "a.test 81"],
  ["the usual port",             "a.test:80",           "a.test 0"],
  ["the usual port of https",    "a.test:443",          "a.test 0", "https"],
  ["the usual port of another",  "a.test:443",          "a.test 443"],
  ["an underscore",              "my_service:1",        "my_service 1"],
  ["the highest port",           "a:65535",             "a 65535"],
  ["IPv4",                       "10.0.0.1:80",         "10.0.0.1 0"],
  ["a name with digits",         "1.2.3.4a",            "1.2.3.4a 0"],
  ["a name that ends like hex",  "cafe.dead",           "cafe.dead 0"],
  ["IPv6",                       "[::1]:8080",          "[::1] 8080"],
  ["IPv6, long form",            "[0:0:0:0:0:0:0:1]",   "[::1] 0"],
  ["IPv6, upper case",           "[2001:DB8::A]",       "[2001:db8::a] 0"],
  ["255 bytes",                  `${"a".repeat(255)}`,  `${"a".repeat(255)} 0`],
  ["256 bytes",                  `${"a".repeat(256)}`,  "refused"],
  ["nothing",                    "",                    "refused"],
  ["only a dot",                 ".",                   "refused"],
  ["only a port",                ":80",                 "refused"],
  ["an empty label",             "a..test",             "refused"],
  ["a leading dot",              ".a.test",             "refused"],
  ["two trailing dots",          "a.test..",            "refused"],
  ["userinfo",                   "a@b",                 "refused"],
  ["userinfo with a password",   "a:b@c",               "refused"],
  ["a path",                     "a/b",                 "refused"],
  ["a query",                    "a?b",                 "refused"],
  ["a list",                     "a,b",                 "refused"],
  ["a space",                    "a b",                 "refused"],
  ["an escape",                  "a%2eb",               "refused"],
  ["a control character",        "a\x00b",              "refused"],
  ["outside ASCII",              "\xe9.test",           "refused"],
  ["beyond latin1",              "\u{212a}.test",       "refused"],
  ["an empty port",              "a:",                  "refused"],
  ["port zero",                  "a:0",                 "refused"],
  ["a port with a leading zero", "a:080",               "refused"],
  ["a port too high",            "a:65536",             "refused"],
  ["a port too long",            "a:123456",            "refused"],
  ["a signed port",              "a:+80",               "refused"],
  ["two ports",                  "a:80:80",             "refused"],
  ["IPv4 cut short",             "127.1",               "refused"],
  ["IPv4 with a big number",     "10.0.0.256",          "refused"],
  ["IPv4 in octal",              "0177.0.0.1",          "refused"],
  ["IPv4 as one number",         "2130706433",          "refused"],
  ["IPv4 in hexadecimal",        "0x7f000001",          "refused"],
  ["a last label 0x",            "a.0x",                "refused"],
  ["IPv6 without brackets",      "::1",                 "refused"],
  ["IPv6 unclosed",              "[::1",                "refused"],
  ["IPv6, then letters",         "[::1]a",              "refused"],
  ["IPv6 with a zone",           "[fe80::1%25eth0]",    "refused"],
  ["a future address",           "[v1.x]",              "refused"],
  ["IPv4 in brackets",           "[1.2.3.4]",           "refused"],
];

for (const [name, text, want, scheme = "http"] of cases) {
  test(`parseAuthority: ${name}`, () => {
    const authority = parseAuthority(text, scheme);
    assert.equal(authority ? `${authority.host} ${authority.port}` : "refused", want);
  });
}

test("parseAuthority: what it makes, it leaves alone, and the URL standard agrees", () => {
  const piece = fc.constantFrom("a", "Z", "9", "-", ".", "_", ":", "8", "[", "]", "::", "ff", "0x");
  let accepted = 0;
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 10 }), (pieces) => {
      const authority = parseAuthority(pieces.join(""), "http");
      if (authority === undefined) return;
      accepted++;
      const { host, port } = authority;
      assert.deepEqual(parseAuthority(port === 0 ? host : `${host}:${port}`, "http"), authority);
      assert.equal(new URL(`http://${pieces.join("")}/`).hostname.replace(/\.$/, ""), host);
    }),
    { numRuns: 5000 },
  );
  assert.ok(accepted > 500, `only ${accepted} accepted`);
});
