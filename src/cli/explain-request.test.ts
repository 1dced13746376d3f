import assert from "node:assert/strict";
import { test } from "node:test";
import type { ListenerConfig } from "../config/config.ts";
import { chooseListener, headOf, readAsked } from "./explain-request.ts";

// biome-ignore format: a table
const heads: [name: string, args: string[], want: string][] = [
  ["a path and a query",     ["GET", "http://a.test/x?y"],               "GET /x?y HTTP/1.1|Host: a.test||"],
  ["no path",                ["GET", "http://a.test"],                   "GET / HTTP/1.1|Host: a.test||"],
  ["no path but a query",    ["GET", "http://a.test?y"],                 "GET /?y HTTP/1.1|Host: a.test||"],
  ["a fragment stays here",  ["GET", "http://a.test/x#y?z"],             "GET /x HTTP/1.1|Host: a.test||"],
  ["OPTIONS of the server",  ["OPTIONS", "http://a.test"],               "OPTIONS * HTTP/1.1|Host: a.test||"],
  ["OPTIONS of a path",      ["OPTIONS", "http://a.test/"],              "OPTIONS / HTTP/1.1|Host: a.test||"],
  ["nothing is made better", ["g t", "HTTP://U@A.Test:80/a b/../%zz"],   "g t /a b/../%zz HTTP/1.1|Host: U@A.Test:80||"],
  ["headers in order",       ["GET", "http://a.test/", "-H", "b:1", "-H", "a: 2"], "GET / HTTP/1.1|Host: a.test|b:1|a: 2||"],
  ["a Host of one's own",    ["GET", "http://a.test/", "-H", "HOST: b"], "GET / HTTP/1.1|HOST: b||"],
  ["a header like Host",     ["GET", "http://a.test/", "-H", "hosts: b"], "GET / HTTP/1.1|Host: a.test|hosts: b||"],
];

for (const [name, args, want] of heads) {
  test(`headOf: ${name}`, () => {
    assert.equal(headOf(readAsked(args)).toString("latin1").replaceAll("\r\n", "|"), want);
  });
}

// biome-ignore format: a table
const wrong: [name: string, args: string[], message: RegExp][] = [
  ["nothing",             [],                                            /^METHOD and URL are missing/],
  ["no URL",              ["GET"],                                       /^URL is missing/],
  ["too much",            ["GET", "http://a.test/", "x"],                /^Unexpected argument 'x'/],
  ["no scheme",           ["GET", "a.test/"],                            /^URL must begin with http:/],
  ["another scheme",      ["GET", "ftp://a.test/"],                      /^URL must begin with http:/],
  ["an unknown option",   ["GET", "http://a.test/", "--wat"],            /^Unknown option '--wat'/],
  ["an empty header",     ["GET", "http://a.test/", "-H", ""],           /^-H must be a header/],
  ["two lines in one",    ["GET", "http://a.test/", "-H", "a: 1\r\nb: 2"], /must each be on one line/],
  ["a bare line feed",    ["GET", "http://a.test/\n"],                   /must each be on one line/],
  ["a name for --ip",     ["GET", "http://a.test/", "--ip", "a.test"],   /^--ip must be an IP address/],
];

for (const [name, args, message] of wrong) {
  test(`readAsked: ${name} is wrong usage`, () => {
    assert.throws(() => readAsked(args), { message });
  });
}

test("readAsked: an IPv4 address mapped into IPv6 is the IPv4 address", () => {
  const { peerAddress } = readAsked(["GET", "http://a.test/", "--ip", "::ffff:10.0.0.1"]);

  assert.equal(peerAddress, "10.0.0.1");
});

function listener(host: string, port: number): ListenerConfig {
  const key = host.startsWith("/") ? `unix:${host}` : `${host}:${port}`;
  return {
    key,
    address: { host, port },
    isTls: false,
    protocols: ["h1"],
    limits: {},
    timeouts: {},
    rates: {},
  };
}

const ANY = listener("0.0.0.0", 80);
const LOCAL = listener("127.0.0.1", 80);
const OTHER = listener("192.0.2.1", 80);
const FREE = listener("127.0.0.1", 0);
const SECURE = { ...listener("0.0.0.0", 443), isTls: true };
const UNIX = listener("/run/a.sock", 0);

// biome-ignore format: a table
const choices: [name: string, listeners: ListenerConfig[], url: string, ip: string, want: string | undefined][] = [
  ["the usual port",               [FREE, ANY],        "http://a.test/",         "::1",  ANY.key],
  ["the usual port, written",      [ANY],              "http://a.test:80/",      "::1",  ANY.key],
  ["another port",                 [ANY],              "http://a.test:81/",      "::1",  undefined],
  ["a port for any",               [ANY, FREE],        "http://a.test:81/",      "::1",  FREE.key],
  ["the URL's address",            [ANY, LOCAL],       "http://127.0.0.1/",      "::1",  LOCAL.key],
  ["a name, and every address",    [LOCAL, ANY],       "http://a.test/",         "::1",  ANY.key],
  ["a name, and none of them",     [LOCAL, OTHER],     "http://a.test/",         "::1",  LOCAL.key],
  ["TLS",                          [ANY, SECURE],      "https://a.test/",        "::1",  SECURE.key],
  ["TLS, and nobody has it",       [ANY],              "https://a.test/",        "::1",  undefined],
  ["no TLS on a port with it",     [SECURE],           "http://a.test:443/",     "::1",  undefined],
  ["TLS on a port without",        [ANY],              "https://a.test:80/",     "::1",  undefined],
  ["a malformed host with a port", [ANY, FREE],        "http://a..test:80/",     "::1",  ANY.key],
  ["a unix socket",                [ANY, UNIX],        "http://a.test/",         "unix", UNIX.key],
  ["no unix socket",               [ANY],              "http://a.test/",         "unix", undefined],
  ["streams and no site",          [],                 "http://a.test/",         "::1",  undefined],
  ["a unix socket has no port",    [UNIX],             "http://a.test/",         "::1",  undefined],
];

for (const [name, listeners, url, ip, want] of choices) {
  test(`chooseListener: ${name}`, () => {
    const { listener: chosen } = chooseListener(listeners, readAsked(["GET", url, "--ip", ip]));

    assert.equal(chosen?.key, want);
  });
}
