import assert from "node:assert/strict";
import { test } from "node:test";
import { HeaderList } from "../../../protocol/http/header-list.ts";
import { challengeOf, LoginCookies, safeReturn } from "./login-cookies.ts";
import { Seal } from "./seal.ts";
import {
  isOver,
  isWorthSeeing,
  maxAgeS,
  readSession,
  type Session,
  sessionText,
} from "./session.ts";

const TIMES = { idleS: 600, absoluteS: 3_600 };
const SESSION: Session = {
  ...{ id: "s", version: 3, begunS: 1_000, seenS: 2_000, refreshS: 0 },
  ...{ idToken: "a.b.c", more: { role: "x" }, refreshToken: "r", accessToken: undefined },
};

type Row = [name: string, nowS: number, isOver: boolean, isWorthSeeing: boolean, maxAgeS: number];

// biome-ignore format: a table
const rows: Row[] = [
  ["just seen",                    2_000, false, false, 600],
  ["a tenth of idle later",        2_060, false, true,  600],
  ["the last moment of idle",      2_599, false, true,  600],
  ["idle for too long",            2_600, true,  true,  600],
  ["close to its end",             4_500, true,  true,  100],
  ["past its end",                 4_600, true,  true,  0],
];

for (const [name, nowS, over, worth, age] of rows) {
  test(`Session: ${name}`, () => {
    assert.equal(isOver(SESSION, TIMES, nowS), over);
    assert.equal(isWorthSeeing(SESSION, TIMES, nowS), worth);
    assert.equal(maxAgeS(SESSION, TIMES, nowS), age);
  });
}

test("Session: the end of it comes however often it is seen", () => {
  assert.equal(isOver({ ...SESSION, seenS: 4_599 }, TIMES, 4_599), false);
  assert.equal(isOver({ ...SESSION, seenS: 4_599 }, TIMES, 4_600), true);
});

test("Session: it is read as it was written, and what another release wrote is not", () => {
  assert.deepEqual(readSession(sessionText(SESSION)), JSON.parse(JSON.stringify(SESSION)));
  assert.equal(readSession('{"format":2,"id":"s"}'), undefined);
});

// biome-ignore format: a table
const returns: [path: string, want: string][] = [
  ["/",                    "/"],
  ["/a?b=//c",             "/a?b=//c"],
  ["//evil.test",          "/"],
  ["/\\evil.test",         "/"],
  ["https://evil.test",    "/"],
  ["javascript:alert(1)",  "/"],
  ["",                     "/"],
  ["/a\r\nset-cookie: x",  "/"],
  ["/a b",                 "/"],
  ["/\u00fc",              "/"],
  [`/${"a".repeat(2_000)}`, "/"],
];

for (const [path, want] of returns) {
  test(`safeReturn: ${JSON.stringify(path.slice(0, 30))} (A6)`, () =>
    assert.equal(safeReturn(path), want));
}

test("LoginCookies: a login is found by its state, within its time", () => {
  const logins = new LoginCookies(
    "__Host-s",
    new Seal(["a secret of this test, long enough"], "login"),
  );
  const login = logins.begin("/x", 1_000);
  const [pair = ""] = logins.write(login).split(";");
  const headers = HeaderList.of({ cookie: pair });

  assert.deepEqual(logins.find(login.state, headers, 1_600), login);
  assert.equal(logins.find(login.state, headers, 1_601), undefined);
  assert.equal(logins.find(`${login.state.slice(0, 8)}AAAAAAAAAAAAAA`, headers, 1_000), undefined);
  const moved = HeaderList.of({ cookie: pair.replace(/login\..{8}/, "login.AAAAAAAA") });
  assert.equal(logins.find(`AAAAAAAA${login.state.slice(8)}`, moved, 1_000), undefined);
});

test("challengeOf: as RFC 7636, appendix B", () => {
  const verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
  const login = { state: "", nonce: "", verifier, returnTo: "/", begunS: 0 };

  assert.equal(challengeOf(login), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
});
