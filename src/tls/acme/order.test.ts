/** A CA that lies, stalls, or answers garbage: each ends in a failure that says so, and nothing else. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { json, problem } from "../../../test/support/sim-ca.ts";
import { HOUR_MS, MINUTE_MS, SimAcme } from "../../../test/support/sim-keeper.ts";
import type { WebAnswer, WebQuestion } from "../../base/world.ts";

type Lie = (question: WebQuestion, path: string) => WebAnswer | undefined;

const text = (status: number, type: string, body: string): WebAnswer => ({
  status,
  headers: new Map([
    ["content-type", type],
    ["replay-nonce", "n"],
  ]),
  body: Buffer.from(body),
});

/** The same at each try. */
function at(path: RegExp, answer: WebAnswer): Lie {
  return (_question, asked) => (path.test(asked) ? answer : undefined);
}

const order = (more: object) =>
  json(200, {
    status: "pending",
    identifiers: [{ type: "dns", value: "a.test" }],
    authorizations: ["https://ca.test/authz/0"],
    finalize: "https://ca.test/finalize/0",
    ...more,
  });
const authorization = (more: object) =>
  json(200, {
    status: "pending",
    identifier: { type: "dns", value: "a.test" },
    challenges: [
      {
        type: "http-01",
        url: "https://ca.test/challenge/0/http-01",
        token: "t",
        status: "pending",
      },
    ],
    ...more,
  });
const DIRECTORY = {
  newNonce: "https://ca.test/nonce",
  newAccount: "https://ca.test/account",
  newOrder: "https://ca.test/order",
};
const PEM = "application/pem-certificate-chain";
const MANY = Array.from({ length: 101 }, () => "https://ca.test/authz/0");
const CHALLENGE = { type: "http-01", url: "https://ca.test/c", status: "pending" };

// biome-ignore format: a table
const lies: readonly [string, Lie, RegExp][] = [
  ["a directory that is a page",        at(/^\/dir/, text(200, "text/html", "<html>")),                      /the directory is no map/],
  ["a directory that is a list",        at(/^\/dir/, json(200, [])),                                         /the directory is no map/],
  ["half of a directory",               at(/^\/dir/, text(200, "application/json", '{"newNonce":')),         /the directory is no map/],
  ["a directory in plain text",         at(/^\/dir/, text(200, "text/plain", JSON.stringify(DIRECTORY))),    /the directory is no map/],
  ["a directory without TLS",           at(/^\/dir/, json(200, { ...DIRECTORY, newOrder: "http://ca.test/" })), /newOrder is no https URL/],
  ["a directory of files",              at(/^\/dir/, json(200, { ...DIRECTORY, newNonce: "file:///etc/passwd" })), /newNonce is no https URL/],
  ["a redirect",                        at(/^\/dir/, { status: 302, headers: new Map([["location", "https://evil.test/"]]), body: Buffer.alloc(0) }), /answers 302 and no reason/],
  ["a megabyte too much",               at(/^\/dir/, text(200, "application/json", " ".repeat(1_100_000))),  /the answer is too long/],
  ["no nonces",                         (_question, path) => (path === "/nonce" ? json(200, {}) : undefined), /gives out no nonces/],
  ["a nonce that is none",              (_question, path) => (path === "/nonce" ? json(200, {}, { "replay-nonce": "a b\"" }) : undefined), /gives out no nonces/],
  ["no account",                        at(/^\/account/, json(201, {})),                                     /does not say which account/],
  ["an account that is refused",        at(/^\/account/, problem(403, "unauthorized", "not you")),           /answers 403 unauthorized: not you/],
  ["an order for another name",         at(/^\/order$/, order({ identifiers: [{ type: "dns", value: "b.test" }] })), /an order for other names/],
  ["an order for more names",           at(/^\/order$/, order({ identifiers: [{ type: "dns", value: "a.test" }, { type: "dns", value: "b.test" }] })), /an order for other names/],
  ["an order in no known state",        at(/^\/order$/, order({ status: "maybe" })),                         /status is "maybe"/],
  ["an order with endless proofs",      at(/^\/order$/, order({ authorizations: MANY })),                    /authorizations is no list/],
  ["an order with too many proofs",     at(/^\/order$/, order({ authorizations: MANY.slice(0, 2) })),        /too many proofs/],
  ["an order that is nowhere",          at(/^\/order$/, order({})),                                          /does not say where the order is/],
  ["a proof of another name",           at(/^\/authz/, authorization({ identifier: { type: "dns", value: "b.test" } })), /asks to prove b\.test/],
  ["a proof of a wildcard",             at(/^\/authz/, authorization({ wildcard: true })),                   /asks to prove \*\.a\.test/],
  ["a proof of no name",                at(/^\/authz/, authorization({ identifier: { type: "dns" } })),      /value is no text/],
  ["a token that climbs",               at(/^\/authz/, authorization({ challenges: [{ ...CHALLENGE, token: "../../accounts/x" }] })), /a token with other letters/],
  ["a token without end",               at(/^\/authz/, authorization({ challenges: [{ ...CHALLENGE, token: "a".repeat(3_000) }] })), /token is no text, or too long/],
  ["no token",                          at(/^\/authz/, authorization({ challenges: [CHALLENGE] })),          /no way to prove a\.test/],
  ["only ways that are unknown",        at(/^\/authz/, authorization({ challenges: [{ ...CHALLENGE, type: "email-01", token: "t" }] })), /no way to prove a\.test: the CA takes email-01/],
  ["a proof that was withdrawn",        at(/^\/authz/, authorization({ status: "deactivated" })),            /a\.test is deactivated/],
  ["a proof that never ends",           at(/^\/authz/, authorization({})),                                   /gave up waiting for a\.test to be looked at/],
  ["a challenge elsewhere, in the clear", at(/^\/authz/, authorization({ challenges: [{ ...CHALLENGE, url: "http://evil.test/", token: "t" }] })), /url is no https URL/],
  ["garbage for a chain",               at(/^\/cert/, text(200, PEM, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")), /its certificate cannot be used/],
  ["no chain",                          at(/^\/cert/, text(200, PEM, "")),                                   /its certificate cannot be used/],
  ["a finalize that is refused",        at(/^\/finalize/, problem(400, "badCSR", "no")),                     /answers 400 badCSR: no/],
  ["an error in terminal's colours",    at(/^\/order$/, problem(403, "rejectedIdentifier", "\u001b[31mred\nline")), /rejectedIdentifier: \[31mred line$/],
];

for (const [name, lie, want] of lies) {
  test(`Order: ${name} gives no certificate, and is told`, async () => {
    const sim = new SimAcme();
    sim.ca.lies = lie;

    const keeper = sim.started();
    await sim.pass(7 * MINUTE_MS);

    assert.equal(keeper.held, undefined);
    assert.match(keeper.status.problem ?? "", want);
    sim.ca.lies = undefined;
    await sim.pass(2 * HOUR_MS);
    assert.equal(keeper.status.state, "held");
    const left = [...sim.storage.files.keys()].filter((key) =>
      /^(?:orders|challenges|attempts)/.test(key),
    );
    assert.deepEqual(left, []);
  });
}

test("Order: a chain of another key is not served", async () => {
  const sim = new SimAcme();
  const other = new SimAcme(2);
  const stranger = other.started();
  await other.pass(MINUTE_MS);
  sim.ca.lies = at(/^\/cert/, text(200, PEM, stranger.held!.chain));

  const keeper = sim.started();
  await sim.pass(MINUTE_MS);

  assert.match(keeper.status.problem!, /the key is for another one/);
});

test("Order: an order that goes back and forth is given up", async () => {
  const sim = new SimAcme();
  let polls = 0;
  sim.ca.lies = (_question, path) => {
    if (!/^\/order\//.test(path)) return undefined;
    const status = ++polls % 2 === 0 ? "ready" : "processing";
    return order({ status });
  };

  const keeper = sim.started();
  await sim.pass(15 * MINUTE_MS);

  assert.equal(keeper.held, undefined);
  assert.ok(sim.ca.requests.length < 300, `${sim.ca.requests.length} requests`);
});

test("Order: a CA that refuses every nonce is given up after twenty", async () => {
  const sim = new SimAcme();
  sim.ca.nonceRejectPercent = 100;

  const keeper = sim.started();
  await sim.pass(MINUTE_MS);

  assert.match(keeper.status.problem!, /badNonce/);
  assert.equal(sim.ca.requests.filter((line) => line === "POST /account").length, 20);
});

test("Order: what the CA forgot is registered anew, with the same key", async () => {
  const sim = new SimAcme();
  sim.started();
  await sim.pass(MINUTE_MS);
  sim.ca.accounts.clear();
  sim.storage.files.delete("certificates/a.test.json");

  const keeper = sim.started();
  await sim.pass(10 * MINUTE_MS);

  assert.equal(keeper.status.state, "held");
  assert.equal(sim.ca.accounts.size, 1);
});

test("Order: a renewal that may not replace is made without", async () => {
  const sim = new SimAcme();
  sim.ca.wish = () => undefined;
  sim.ca.lies = (question, path) => {
    if (path !== "/order") return undefined;
    const { payload } = JSON.parse(question.body!) as { readonly payload: string };
    return Buffer.from(payload, "base64url").includes("replaces")
      ? {
          ...problem(409, "alreadyReplaced", "it was"),
          headers: new Map([["content-type", "application/problem+json"]]),
        }
      : undefined;
  };
  sim.started();

  await sim.pass(62 * 24 * HOUR_MS);

  assert.deepEqual(
    sim.ca.orders.map(({ replaces }) => replaces),
    [undefined, undefined],
  );
});

test("Order: profile and external account go along", async () => {
  const sim = new SimAcme();
  sim.ca.externalKeys = new Map([["kid-1", "c2VjcmV0"]]);
  const keeper = sim.started({
    more: { profile: "shortlived", external: { kid: "kid-1", macKey: "c2VjcmV0" } },
  });

  await sim.pass(MINUTE_MS);

  assert.equal(keeper.status.state, "held");
  assert.equal(sim.ca.orders[0]!.profile, "shortlived");
});

test("Order: a CA that wants an external account says so before anything is ordered", async () => {
  const sim = new SimAcme();
  sim.ca.externalKeys = new Map();
  const keeper = sim.started();

  await sim.pass(MINUTE_MS);

  assert.match(keeper.status.problem!, /only takes who has an account there already/);
  assert.equal(sim.ca.orders.length, 0);
});
