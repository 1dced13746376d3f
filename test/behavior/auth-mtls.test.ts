/** A client's certificate as who it is: names, allow-lists, and together with other methods. */
import assert from "node:assert/strict";
import type { ConnectionOptions } from "node:tls";
import { Authority, type Issued } from "../support/authority.ts";
import { skipWithout } from "../support/parts.ts";
import { OK, type Scenario, scenario } from "../support/scenario.ts";
import { certificateFor, tlsConnect, tlsTalk } from "../support/tls-stage.ts";

const skip = skipWithout("openssl");
const KEY = "correct-horse-battery-staple";
const own = ({ cert, key }: Issued): ConnectionOptions => ({ cert, key });

/** Clients are asked for certificates; `auth` is that of the only route. */
async function stage(it: Scenario, auth: string) {
  const authority = await Authority.create();
  it.defer(() => authority.remove());
  const site = await certificateFor(it, ["m.test"]);
  const origin = await it.origin(OK);
  const proxy = await it.proxy(`{
    upstreams: { app: ${origin.url} },
    sites: [{ hosts: m.test, routes: [{ forward: app, auth: { ${auth}, headers: { X-Who: "{identity}", X-Cn: "{claim.commonName}" } } }],
      tls: { cert: ${site.cert}, key: ${site.key}, clientAuth: { ca: ${authority.caFile}, mode: optional } } }] }`);
  const ask = async (options: ConnectionOptions = {}, field = "") => {
    const socket = await tlsConnect(proxy.port, "m.test", options);
    const answer = await tlsTalk(
      socket,
      `GET / HTTP/1.1\r\nhost: m.test\r\nx-who: root\r\n${field}connection: close\r\n\r\n`,
    );
    return Number(/^HTTP\/1\.1 ([0-9]{3})/.exec(answer)?.[1]);
  };
  return { authority, origin, proxy, ask };
}

scenario(
  "auth mtls: the certificate says who it is, and the client's own claim is gone",
  async (it) => {
    const { authority, origin, proxy, ask } = await stage(it, "mtls: true");
    const app = await authority.issue(
      "DNS:app.test,URI:spiffe://prod/app",
      30,
      "/O=Test/CN=app one",
    );

    assert.equal(await ask(own(app)), 200);
    assert.equal(await ask(), 401);

    const { head } = origin.received[0]!;
    assert.match(head, /\r\nX-Who: spiffe:\/\/prod\/app\r\n/);
    assert.match(head, /\r\nX-Cn: app one\r\n/);
    assert.doesNotMatch(head, /root/);
    const lines = await proxy.accessLines(2);
    assert.deepEqual(
      lines.map(({ user, fault }) => [user, fault]),
      [
        ["spiffe://prod/app", undefined],
        [undefined, "auth_required"],
      ],
    );
  },
  { skip },
);

scenario(
  "auth mtls: only names that are allowed, and a verified one that is not gets 403",
  async (it) => {
    const { authority, ask } = await stage(
      it,
      'mtls: { identity: dns, allow: { dns: "*.internal", uri: ["spiffe://prod/*"] } }',
    );
    const issue = (names: string) => authority.issue(names, 30, "/CN=leaf");

    assert.equal(await ask(own(await issue("DNS:a.internal"))), 200);
    assert.equal(await ask(own(await issue("DNS:a.test,DNS:b.internal"))), 200);
    assert.equal(await ask(own(await issue("DNS:a.test,URI:spiffe://prod/x"))), 200);
    assert.equal(await ask(own(await issue("DNS:a.internal.test"))), 403);
    assert.equal(await ask(own(await issue("URI:spiffe://prod/x"))), 403, "no name to go by");
    assert.equal(await ask(own(await issue("DNS:a.test,URI:spiffe://produce/x"))), 403);
  },
  { skip },
);

scenario(
  "auth mtls: together with a key, and in place of one",
  async (it) => {
    const key = `apiKey: { keys: [{ name: mobile, key: ${KEY} }] }`;
    const both = await stage(it, `all: [{ ${key} }, { mtls: { identity: dns } }]`);
    const app = await both.authority.issue("DNS:app.test", 30, "/CN=leaf");
    const field = `x-api-key: ${KEY}\r\n`;

    assert.equal(await both.ask(own(app)), 401);
    assert.equal(await both.ask({}, field), 401);
    assert.equal(await both.ask(own(app), field), 200);
    assert.match(both.origin.received[0]!.head, /\r\nX-Who: mobile\r\n/);

    const either = await stage(it, `any: [{ mtls: { identity: dns } }, { ${key} }]`);
    assert.equal(await either.ask({}, field), 200);
    assert.equal(await either.ask(own(await either.authority.issue("DNS:b.test")), ""), 200);
    assert.equal(await either.ask(), 401);
  },
  { skip },
);
