import assert from "node:assert/strict";
import { test } from "node:test";
import { HeaderList } from "../../../protocol/http/header-list.ts";
import { OwnCookie, PIECES_MAX } from "./own-cookies.ts";

const cookie = new OwnCookie("__Host-s");

/** What a browser sends that had `there` and was told `lines`. */
function after(lines: readonly string[], there = new Map<string, string>()): Map<string, string> {
  const jar = new Map(there);
  for (const line of lines) {
    const [name = "", value = ""] = line.slice(0, line.indexOf(";")).split("=");
    if (line.includes("Max-Age=0")) jar.delete(name);
    else jar.set(name, value);
  }
  return jar;
}

function headersOf(jar: Map<string, string>): HeaderList {
  const pairs = [...jar].map(([name, value]) => `${name}=${value}`);
  return HeaderList.of(pairs.length === 0 ? {} : { cookie: pairs.join("; ") });
}

for (const length of [1, 3_800, 3_801, 7_600, 7_601, 15_200]) {
  test(`OwnCookie: a value of ${length} comes back, in cookies that browsers keep`, () => {
    const value = "v".repeat(length);
    const lines = cookie.write(value, headersOf(new Map()), 60)!;

    assert.ok(lines.every((line) => line.length <= 4_096));
    assert.equal(cookie.read(headersOf(after(lines))), value);
  });
}

test("OwnCookie: a value that is too long is not written", () => {
  assert.equal(
    cookie.write("v".repeat(3_800 * PIECES_MAX + 1), headersOf(new Map()), 60),
    undefined,
  );
});

test("OwnCookie: of a longer value before it nothing is left, nor of a shorter one", () => {
  const none = headersOf(new Map());
  const long = after(cookie.write("l".repeat(10_000), none, 60)!);
  const short = after(cookie.write("s", headersOf(long), 60)!, long);
  const longAgain = after(cookie.write("m".repeat(5_000), headersOf(short), 60)!, short);

  assert.deepEqual([...short.keys()], ["__Host-s"]);
  assert.equal(cookie.read(headersOf(longAgain)), "m".repeat(5_000));
  assert.equal(after(cookie.remove(headersOf(longAgain)), longAgain).size, 0);
});

test("OwnCookie: pieces that are missing, or of no sense, are nothing", () => {
  for (const jar of [
    { "__Host-s.0": "2.a" },
    { "__Host-s.0": "9.a", "__Host-s.1": "b" },
    { "__Host-s.0": "1.a" },
    { "__Host-s.0": "a" },
    { "__Host-s.1": "b" },
    { "__Host-s.0": "99999999.a", "__Host-s.1": "b" },
  ]) {
    assert.equal(cookie.read(headersOf(new Map(Object.entries(jar)))), undefined);
  }
});
