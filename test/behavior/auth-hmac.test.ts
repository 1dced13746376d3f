/** Signed URLs and signed requests, over real sockets: made by the command, by the test, and replayed. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { createHash, createHmac } from "node:crypto";
import { join } from "node:path";
import { faultOf, firstStatus, forwardTo, OK, scenario } from "../support/scenario.ts";

const SECRET = "correct-horse-battery-staple";
const KEYS = `keys: [{ id: k1, secret: ${SECRET}, name: partner }]`;
const MAIN = join(import.meta.dirname, "../../src/main.ts");

scenario("auth hmac: a URL that sluice sign has made, and no other", async (it) => {
  const origin = await it.origin(OK);
  await it.proxy(forwardTo(origin.url, { route: `auth: { hmac: { ${KEYS}, url: true } }` }));
  const args = [MAIN, "sign", "http://a.test/files/a%20b?x=1", "-k", "k1", "-e", "1h"];
  const { stdout } = spawnSync(process.execPath, args, { input: SECRET, encoding: "utf8" });
  const url = new URL(stdout.trim());
  const target = `${url.pathname}${url.search}`;
  const get = (path: string) => it.client(`GET ${path} HTTP/1.1\r\nhost: a.test\r\n\r\n`);

  assert.equal(firstStatus(await get(target)), 200);
  assert.equal(firstStatus(await get(target)), 200, "a URL may be used as often as one likes");
  assert.equal(firstStatus(await get(target.replace("x=1", "x=2"))), 401);
  assert.equal(firstStatus(await get("/files/a%20b?x=1")), 401);

  assert.match(origin.received[0]!.head, /^GET \/files\/a%20b\?x=1 HTTP/);
});

/** A client of RFC 9421, as small as can be. */
function signed(body: string, { digestOf = body, nonce = "1" } = {}): string {
  const digest = `sha-256=:${createHash("sha256").update(digestOf).digest("base64")}:`;
  const created = Math.floor(Date.now() / 1_000);
  const params = `("@method" "@authority" "@path" "@query" "content-digest");created=${created};keyid="k1";nonce="${nonce}"`;
  const base = [
    '"@method": POST',
    '"@authority": a.test',
    '"@path": /pay',
    '"@query": ?to=1',
    `"content-digest": ${digest}`,
    `"@signature-params": ${params}`,
  ].join("\n");
  const signature = createHmac("sha256", SECRET).update(base).digest("base64");
  return [
    "POST /pay?to=1 HTTP/1.1",
    "host: a.test",
    `content-digest: ${digest}`,
    `signature-input: s=${params}`,
    `signature: s=:${signature}:`,
    `content-length: ${body.length}`,
    "",
    body,
  ].join("\r\n");
}

const ROUTE = `auth: { hmac: { ${KEYS}, request: true }, headers: { X-Who: "{identity}" } }`;

scenario(
  "auth hmac: a signed request passes once, body and all, whatever worker is asked",
  async (it) => {
    const origin = await it.origin(OK);
    const proxy = await it.proxy(forwardTo(origin.url, { top: "workers: 2", route: ROUTE }));
    const first = signed("hello");

    assert.equal(firstStatus(await it.client(first)), 200);
    const again = await Promise.all(Array.from({ length: 8 }, () => it.client(first)));
    assert.deepEqual(new Set(again.map(firstStatus)), new Set([401]));
    assert.equal(await faultOf(proxy, 2), "auth_failed");
    assert.equal(firstStatus(await it.client(signed("hello", { nonce: "2" }))), 200);

    assert.equal(origin.received.length, 2);
    const { head, body } = origin.received[0]!;
    assert.equal(body, "hello");
    assert.match(head, /\r\nX-Who: partner\r\n/);
    assert.doesNotMatch(head, /\r\nsignature/i);
  },
);

scenario("auth hmac: of another body than was signed the upstream gets no end", async (it) => {
  const origin = await it.origin(OK);
  const proxy = await it.proxyHere(forwardTo(origin.url, { route: ROUTE }));
  const large = "x".repeat(300_000);

  for (const [number, body] of ["jello", large].entries()) {
    const answer = await it.client(signed(body, { digestOf: "hello", nonce: `${number}` }));
    assert.equal(firstStatus(answer), 401);
  }
  assert.equal(firstStatus(await it.client(signed(large, { nonce: "right" }))), 200);

  const whole = origin.received.filter(({ complete }) => complete);
  assert.deepEqual(
    whole.map(({ body }) => body.length),
    [large.length],
  );
  assert.equal(await proxy.metric("sluice_bugs_total"), 0);
});

scenario("auth hmac: in mode warn another body passes, and the log says so", async (it) => {
  const origin = await it.origin(OK);
  const proxy = await it.proxy(
    forwardTo(origin.url, { route: `auth: { hmac: { ${KEYS}, request: true }, mode: warn }` }),
  );

  assert.equal(firstStatus(await it.client(signed("jello", { digestOf: "hello" }))), 200);

  assert.equal(origin.received[0]!.body, "jello");
  const [line] = await proxy.accessLines(1);
  assert.deepEqual(line!["warned"], ["auth_failed"]);
});
