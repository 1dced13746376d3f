import assert from "node:assert/strict";
import { test } from "node:test";
import { putQuery, putUrl } from "./redaction.ts";
import { SecretNames } from "./secret-names.ts";

const secrets = new SecretNames();

function query(text: string, names = secrets): string {
  const bytes = Buffer.alloc(text.length * 6);
  return bytes.toString("latin1", 0, putQuery(bytes, 0, text, 0, text.length, names));
}

function url(text: string): string {
  const bytes = Buffer.alloc(text.length * 6);
  return bytes.toString("latin1", 0, putUrl(bytes, 0, text, text.length, secrets));
}

// biome-ignore format: a table
const queries: [name: string, given: string, wanted: string][] = [
  ["nothing secret",              "a=1&b=2",                     "a=1&b=2"],
  ["one secret",                  "token=abc",                   "token=REDACTED"],
  ["between others",              "a=1&api_key=abc&b=2",         "a=1&api_key=REDACTED&b=2"],
  ["two in a row",                "sig=a&code=b",                "sig=REDACTED&code=REDACTED"],
  ["any case",                    "Access-Token=a",              "Access-Token=REDACTED"],
  ["camel case",                  "resetPasswordToken=a",        "resetPasswordToken=REDACTED"],
  ["an escaped name",             "%74oken=a",                   "%74oken=REDACTED"],
  ["a name escaped twice",        "%2574oken=a",                 "%2574oken=REDACTED"],
  ["in brackets",                 "user[password]=a",            "user[password]=REDACTED"],
  ["a list",                      "token[0]=a&token[]=b",        "token[0]=REDACTED&token[]=REDACTED"],
  ["a numbered one",              "password2=a",                 "password2=REDACTED"],
  ["a value with =",              "token=a=b&c=d",               "token=REDACTED&c=d"],
  ["a value with ;",              "token=a;b=c&d=e",             "token=REDACTED&d=e"],
  ["after ;",                     "a=1;token=b",                 "a=1;token=REDACTED"],
  ["an empty value",              "key=&a=1",                    "key=REDACTED&a=1"],
  ["a second question mark",      "?token=a",                    "?token=REDACTED"],
  ["a signed URL of a store",     "X-Amz-Signature=a&X-Amz-Date=b", "X-Amz-Signature=REDACTED&X-Amz-Date=b"],
  ["a secret's name as a value",  "sort=token",                  "sort=token"],
  ["a name that begins like one", "tokens_used=4&keyboard=us",   "tokens_used=4&keyboard=us"],
  ["a name that ends like key",   "monkey=4&zipcode=1",          "monkey=4&zipcode=1"],
  ["a bare word",                 "token",                       "token"],
  ["quotes",                      'a="&b=\\',                    'a=\\"&b=\\\\'],
  ["broken escapes",              "%zz=1&%=2&to%6=3",            "%zz=1&%=2&to%6=3"],
];

for (const [name, given, wanted] of queries) {
  test(`putQuery: ${name}`, () => assert.equal(query(given), wanted));
}

// biome-ignore format: a table
const urls: [name: string, given: string, wanted: string][] = [
  ["nothing secret",        "https://a.test/x?y=1#z",         "https://a.test/x?y=1#z"],
  ["a secret",              "https://a.test/x?token=1",       "https://a.test/x?token=REDACTED"],
  ["in the fragment",       "https://a.test/#access_token=1", "https://a.test/#access_token=REDACTED"],
  ["in both",               "https://a.test/?sig=1#code=2",   "https://a.test/?sig=REDACTED#code=REDACTED"],
  ["user information",      "https://me:pw@a.test/x",         "https://REDACTED@a.test/x"],
  ["an @ in the password",  "https://me:p@w@a.test?a=b",      "https://REDACTED@a.test?a=b"],
  ["an @ in the path",      "https://a.test/@me/x",           "https://a.test/@me/x"],
  ["an @ in the query",     "https://a.test?mail=a@b",        "https://a.test?mail=a@b"],
  ["slashes in the query",  "/x?to=//u:p@h",                  "/x?to=//u:p@h"],
  ["no authority",          "about:blank",                    "about:blank"],
  ["ends in ?",             "https://a.test/?",               "https://a.test/?"],
];

for (const [name, given, wanted] of urls) {
  test(`putUrl: ${name}`, () => assert.equal(url(given), wanted));
}

test("SecretNames: a list of one's own replaces ours", () => {
  const own = new SecretNames(["x", "*pin", "*z"]);

  assert.equal(
    query("x=1&y=2&user_pin=3&pinned=4&token=5&aZ=6", own),
    "x=REDACTED&y=2&user_pin=REDACTED&pinned=4&token=5&aZ=REDACTED",
  );
});
