import assert from "node:assert/strict";
import { test } from "node:test";
import { SimWorld } from "../../../../test/support/sim-world.ts";
import { issuerOf } from "../../../../test/support/tokens.ts";
import type { WebAnswer } from "../../../base/world.ts";
import { KEY_SET_BYTES_MAX, RemoteKeys } from "./remote-keys.ts";

const URL_OF_KEYS = "https://idp.test/jwks.json";
const OPTIONS = {
  url: URL_OF_KEYS,
  roots: undefined,
  refreshMs: 300_000,
  staleMs: 3_600_000,
  cooldownMs: 30_000,
  timeoutMs: 5_000,
};
const [first, second] = [await issuerOf("ES256", "k1"), await issuerOf("ES256", "k2")];

function answering(value: unknown, status = 200): WebAnswer {
  const body = Buffer.from(typeof value === "string" ? value : JSON.stringify(value));
  return { status, headers: new Map(), body };
}

/** `server`: what the issuer says, to be changed by the test. */
function stage() {
  const world = new SimWorld();
  const issuer = {
    asked: 0,
    answer: (): WebAnswer | Promise<WebAnswer> => answering({ keys: [first.jwk] }),
  };
  world.web.servers.set("idp.test", () => {
    issuer.asked++;
    return issuer.answer();
  });
  const keys = new RemoteKeys(OPTIONS, world);
  const ask = async (how: "keys" | "newer" = "keys") => {
    const step = keys[how]();
    await world.clock.advance(6_000);
    return (await step)?.map(({ id }) => id);
  };
  return { world, issuer, keys, ask };
}

test("RemoteKeys: nobody is asked before a token needs a key, and then one question serves all", async () => {
  const { world, issuer, keys } = stage();
  assert.equal(issuer.asked, 0);

  const steps = [keys.keys(), keys.keys(), keys.newer()];
  await world.clock.advance(100);
  const all = await Promise.all(steps);

  assert.equal(issuer.asked, 1);
  assert.deepEqual(
    all.map((each) => each?.length),
    [1, 1, 1],
  );
  assert.ok(!(keys.keys() instanceof Promise), "what is there makes no promise");
});

test("RemoteKeys: old keys serve while they are asked for anew, once", async () => {
  const { world, issuer, keys, ask } = stage();
  await ask();
  issuer.answer = () => answering({ keys: [second.jwk] });
  await world.clock.advance(OPTIONS.refreshMs + 1);

  const at = [keys.keys(), keys.keys()];
  assert.ok(at.every((each) => Array.isArray(each) && each[0].id === "k1"));
  await world.clock.advance(100);

  assert.equal(issuer.asked, 2);
  assert.deepEqual(await ask(), ["k2"]);
});

test("RemoteKeys: rotation: a key that is not known is asked for at once, and not again for a while", async () => {
  const { world, issuer, ask } = stage();
  await ask();
  await world.clock.advance(OPTIONS.cooldownMs);
  issuer.answer = () => answering({ keys: [first.jwk, second.jwk] });

  assert.deepEqual(await ask("newer"), ["k1", "k2"]);
  assert.deepEqual(await ask("newer"), ["k1", "k2"]);

  assert.equal(issuer.asked, 2, "a flood of made-up ids asks once per cooldown");
});

test("RemoteKeys: the generation changes when a key goes, and not when one comes", async () => {
  const { world, issuer, keys, ask } = stage();
  await ask();
  issuer.answer = () => answering({ keys: [second.jwk, first.jwk] });
  await world.clock.advance(OPTIONS.cooldownMs);
  await ask("newer");
  assert.equal(keys.generation, 0);

  issuer.answer = () => answering({ keys: [second.jwk] });
  await world.clock.advance(OPTIONS.cooldownMs);
  await ask("newer");
  assert.equal(keys.generation, 1);
});

test("RemoteKeys: an issuer that is down is waited for at the start only as long as a question may last", async () => {
  const { world, issuer, keys, ask } = stage();
  issuer.answer = () => new Promise(() => {});

  assert.equal(await ask(), undefined);
  assert.equal(keys.keys(), undefined, "and then nobody waits until it is asked again");
  assert.equal(issuer.asked, 1);

  issuer.answer = () => answering({ keys: [first.jwk] });
  await world.clock.advance(OPTIONS.cooldownMs);
  assert.deepEqual(await ask(), ["k1"]);
  assert.deepEqual(
    world.lines.map(({ level, message }) => [level, message]),
    [
      ["warn", "cannot get the keys of tokens"],
      ["info", "keys of tokens are there again"],
    ],
  );
});

test("RemoteKeys: an issuer that goes down: its keys serve for the stale time, and not after it (fail closed)", async () => {
  const { world, issuer, ask } = stage();
  await ask();
  issuer.answer = () => answering("", 503);

  await world.clock.advance(OPTIONS.refreshMs + OPTIONS.staleMs - 12_000);
  assert.deepEqual(await ask(), ["k1"]);
  await world.clock.advance(12_000);
  assert.equal(await ask(), undefined);
  await world.clock.advance(OPTIONS.cooldownMs);
  assert.equal(await ask(), undefined);
  assert.equal(world.lines.length, 1, "an outage is said once");
});

type Row = [name: string, answer: () => WebAnswer, why: RegExp];

// biome-ignore format: a table
const rows: Row[] = [
  ["a redirect (P3)",          () => answering("", 302),                         /^status 302$/],
  ["an error",                 () => answering("", 500),                         /^status 500$/],
  ["no JSON",                  () => answering("<html>"),                        /JSON/],
  ["no set",                   () => answering([]),                              /^no JWK Set/],
  ["no key",                   () => answering({ keys: [] }),                    /^no key that can be used/],
  ["secrets alone",            () => answering({ keys: [{ kty: "oct", k: "AA" }] }), /a shared secret/],
  ["more than is read",        () => answering(" ".repeat(KEY_SET_BYTES_MAX + 1)), /too long/],
];

for (const [name, answer, why] of rows) {
  test(`RemoteKeys: ${name} is no answer, and what there was stays`, async () => {
    const { world, issuer, ask } = stage();
    await ask();
    issuer.answer = answer;
    await world.clock.advance(OPTIONS.cooldownMs);

    assert.deepEqual(await ask("newer"), ["k1"]);
    assert.match(String(world.lines[0]?.fields["why"]), why);
  });
}
