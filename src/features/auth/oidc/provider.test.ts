import assert from "node:assert/strict";
import { test } from "node:test";
import { SimWorld } from "../../../../test/support/sim-world.ts";
import { Provider, readMetadata } from "./provider.ts";
import { readTokens } from "./token-endpoint.ts";

const ISSUER = "https://idp.test/realm";
const GOOD = {
  issuer: ISSUER,
  authorization_endpoint: `${ISSUER}/auth`,
  token_endpoint: `${ISSUER}/token`,
  jwks_uri: `${ISSUER}/keys`,
};

type Row = [name: string, value: unknown, status: number, want: string];

// biome-ignore format: a table
const rows: Row[] = [
  ["what is wanted",                       GOOD,                                        200, ""],
  ["an error",                             GOOD,                                        404, "status 404"],
  ["null",                                 null,                                        200, "no JSON object"],
  ["another issuer (mix-up)",              { ...GOOD, issuer: "https://evil.test" },    200, 'it calls itself "https://evil.test"'],
  ["the issuer with a slash more",         { ...GOOD, issuer: `${ISSUER}/` },           200, `it calls itself "${ISSUER}/"`],
  ["no login",                             { ...GOOD, authorization_endpoint: 1 },      200, "no authorization_endpoint that can be used"],
  ["a login of script",                    { ...GOOD, authorization_endpoint: "javascript:alert(1)" }, 200, "no authorization_endpoint that can be used"],
  ["tokens in the clear",                  { ...GOOD, token_endpoint: "http://idp.test/token" }, 200, "no token_endpoint that can be used"],
  ["keys of no place",                     { ...GOOD, jwks_uri: "/keys" },              200, "no jwks_uri that can be used"],
];

for (const [name, value, status, want] of rows) {
  test(`readMetadata: ${name}`, () => {
    const read = readMetadata(value, status, ISSUER);

    assert.equal(typeof read === "string" ? read : "", want);
  });
}

test("Provider: it is asked when needed, once for all, and again an hour later beside the traffic", async () => {
  const world = new SimWorld();
  let asked = 0;
  world.web.servers.set("idp.test", ({ url }) => {
    asked++;
    assert.equal(url, `${ISSUER}/.well-known/openid-configuration`);
    return { status: 200, headers: new Map(), body: Buffer.from(JSON.stringify(GOOD)) };
  });
  const provider = new Provider(ISSUER, { roots: undefined, timeoutMs: 5_000 }, world);
  assert.equal(asked, 0);

  const steps = [provider.metadata(), provider.metadata()];
  await world.clock.advance(1_000);
  assert.equal((await steps[1])?.tokenEndpoint, `${ISSUER}/token`);
  await world.clock.advance(3_600_000);
  assert.ok(!(provider.metadata() instanceof Promise));
  await world.clock.advance(1_000);

  assert.equal(asked, 2);
});

test("Provider: one that is down is asked every ten seconds, and nobody waits meanwhile", async () => {
  const world = new SimWorld();
  const provider = new Provider(ISSUER, { roots: undefined, timeoutMs: 5_000 }, world);

  const step = provider.metadata();
  await world.clock.advance(1_000);
  assert.equal(await step, undefined);
  assert.equal(provider.metadata(), undefined);
  await world.clock.advance(10_000);
  assert.ok(provider.metadata() instanceof Promise);
});

type TokenRow = [name: string, status: number, value: unknown, want: string];

// biome-ignore format: a table
const answers: TokenRow[] = [
  ["tokens",                        200, { id_token: "i", access_token: "a", refresh_token: "r", expires_in: 60 }, "tokens i a r 60"],
  ["a lifetime as text",            200, { access_token: "a", expires_in: "60" },      "tokens undefined a undefined 60"],
  ["a lifetime of no sense",        200, { access_token: "a", expires_in: -1 },        "tokens undefined a undefined undefined"],
  ["tokens that are no text",       200, { id_token: {}, access_token: 1 },            "tokens undefined undefined undefined undefined"],
  ["a grant that is used up",       400, { error: "invalid_grant" },                   "refused status 400, invalid_grant"],
  ["a secret that is wrong",        401, { error: "invalid_client" },                  "failed status 401, invalid_client"],
  ["an error of its own",           500, {},                                           "failed status 500, undefined"],
  ["no object",                     200, "x",                                          "failed no JSON object"],
];

for (const [name, status, value, want] of answers) {
  test(`readTokens: ${name}`, () => {
    const read = readTokens(status, value);
    const said =
      read.kind === "tokens"
        ? `${read.tokens.idToken} ${read.tokens.accessToken} ${read.tokens.refreshToken} ${read.tokens.lifetimeS}`
        : read.why;
    assert.equal(`${read.kind} ${said}`, want);
  });
}
