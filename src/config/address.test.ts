import assert from "node:assert/strict";
import { test } from "node:test";
import {
  addressKey,
  isAddressRange,
  isLoopback,
  parseEndpoint,
  parseListen,
  parseSiteHost,
} from "./address.ts";

const NONE = undefined;
const LONG = `/${"x".repeat(107)}`;

// biome-ignore format: a table
const listens: readonly (readonly [text: string, want: string | undefined])[] = [
  [":80", "0.0.0.0:80"],
  [":0", "0.0.0.0:0"],
  ["127.0.0.1:8080", "127.0.0.1:8080"],
  ["[::1]:80", "[::1]:80"],
  ["[0:0::1]:80", "[::1]:80"],
  ["[::]:80", "[::]:80"],
  ["unix:/run/sluice.sock", "unix:/run/sluice.sock"],
  ["unix:run/sluice.sock", NONE],
  ["unix:", NONE],
  [`unix:${LONG}`, NONE],
  ["unix:/a\0b", NONE],
  ["80", NONE],
  [":", NONE],
  [":65536", NONE],
  [":080000", NONE],
  ["localhost:80", NONE],
  ["256.0.0.1:80", NONE],
  ["1.2.3:80", NONE],
  ["::1:80", NONE],
  ["[::g]:80", NONE],
  [":80\n", NONE],
  ["http://:80", NONE],
];

for (const [text, want] of listens) {
  test(`parseListen: ${JSON.stringify(text).slice(0, 40)} is ${want ?? "refused"}`, () => {
    const address = parseListen(text);

    assert.equal(address && addressKey(address), want);
  });
}

// biome-ignore format: a table
const endpoints: readonly (readonly [text: string, want: string | undefined])[] = [
  ["10.0.0.1:3000", "10.0.0.1:3000"],
  ["http://10.0.0.1", "http 10.0.0.1:80"],
  ["http://App.internal:8080/", "http app.internal:8080"],
  ["web_1:80", "web_1:80"],
  ["[2001:DB8::1]:80", "[2001:db8::1]:80"],
  ["http://[::1]", "http [::1]:80"],
  ["unix:/run/app.sock", "unix:/run/app.sock"],
  ["http+unix:/run/app.sock", "http unix:/run/app.sock"],
  ["http+unix:///run/app.sock", "http unix:/run/app.sock"],
  ["https://10.0.0.1", "https 10.0.0.1:443"],
  ["https://[::1]:8443", "https [::1]:8443"],
  ["h2://app.test", "h2 app.test:443"],
  ["h2c://app.test:50051/", "h2c app.test:50051"],
  ["h2c://app.test", "h2c app.test:80"],
  ["https+unix:/run/app.sock", "https unix:/run/app.sock"],
  ["https:/run/app.sock", NONE],
  ["h3://app.test", NONE],
  ["h2://app.test/x", NONE],
  ["10.0.0.1", NONE],
  ["10.0.0.1:0", NONE],
  ["10.0.0.256:80", NONE],
  ["0x7f.1:80", NONE],
  ["a..b:80", NONE],
  ["-a:80", NONE],
  ["user@a:80", NONE],
  ["http://a:80?x", NONE],
  ["http://a:80#x", NONE],
  ["HTTP://a:80", NONE],
  ["ftp://a", NONE],
  [" a:80", NONE],
  ["bücher.example:80", NONE],
  [`unix:${LONG}`, NONE],
];

for (const [text, want] of endpoints) {
  test(`parseEndpoint: ${JSON.stringify(text).slice(0, 40)} is ${want ?? "refused"}`, () => {
    const parsed = parseEndpoint(text);

    const scheme = parsed.kind === "address" && parsed.scheme ? `${parsed.scheme} ` : "";
    const got = parsed.kind === "address" ? `${scheme}${addressKey(parsed.address)}` : undefined;
    assert.equal(got, want);
  });
}

// biome-ignore format: a table
const hosts: readonly (readonly [text: string, want: string | undefined])[] = [
  ["shop.example.com", "shop.example.com"],
  ["Shop.Example.COM.", "shop.example.com"],
  ["*.Example.com", "*.example.com"],
  ["*", "*"],
  ["bücher.example", "xn--bcher-kva.example"],
  ["*.bücher.example", "*.xn--bcher-kva.example"],
  ["localhost", "localhost"],
  ["10.0.0.1", "10.0.0.1"],
  ["::1", "[::1]"],
  ["[0:0::1]", "[::1]"],
  ["a.test:80", NONE],
  ["*.", NONE],
  ["*.*.test", NONE],
  ["a.*.test", NONE],
  ["a*.test", NONE],
  ["", NONE],
  [".", NONE],
  ["a b", NONE],
  ["a/b", NONE],
  ["a\0b", NONE],
  ["10.0.0.256", NONE],
  ["fe80::1%eth0", NONE],
  [`${"a".repeat(64)}.test`, NONE],
  [`${"a.".repeat(127)}test`, NONE],
];

for (const [text, want] of hosts) {
  test(`parseSiteHost: ${JSON.stringify(text).slice(0, 40)} is ${want ?? "refused"}`, () => {
    assert.equal(parseSiteHost(text), want);
  });
}

// biome-ignore format: a table
const ranges: readonly (readonly [text: string, want: boolean])[] = [
  ["10.0.0.0/8", true],
  ["10.0.0.1", true],
  ["0.0.0.0/0", true],
  ["2001:db8::/32", true],
  ["::1/128", true],
  ["10.0.0.0/33", false],
  ["::/129", false],
  ["10.0.0.0/", false],
  ["10.0.0.0/-1", false],
  ["10.0.0.0/8/8", false],
  ["10.0.0/8", false],
  ["fe80::1%eth0", false],
  ["private", false],
  ["", false],
];

for (const [text, want] of ranges) {
  test(`isAddressRange: ${JSON.stringify(text)} is ${want ? "one" : "none"}`, () => {
    assert.equal(isAddressRange(text), want);
  });
}

test("isLoopback: only this machine", () => {
  const hosts = ["127.0.0.1", "127.8.8.8", "::1", "/run/x.sock", "0.0.0.0", "::", "10.0.0.1"];

  const loopback = hosts.filter((host) => isLoopback({ host, port: 1 }));

  assert.deepEqual(loopback, ["127.0.0.1", "127.8.8.8", "::1", "/run/x.sock"]);
});
