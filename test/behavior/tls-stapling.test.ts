/** What CAs say of certificates reaches clients with the handshake, and never gets in its way. */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { Authority } from "../support/authority.ts";
import { eventually } from "../support/deadline.ts";
import { freePort } from "../support/free.ts";
import { type KnownTo, stapledTo, startResponder } from "../support/ocsp-responder.ts";
import { skipWithout } from "../support/parts.ts";
import { type Scenario, scenario } from "../support/scenario.ts";
import { tlsConnect } from "../support/tls-stage.ts";

const skip = skipWithout("openssl");
const MUST = "tlsfeature=status_request\n";

/** A certificate that names a responder on a port of ours, and a config with it. */
async function stage(it: Scenario, { more = "", port = 0, path = "" } = {}) {
  const authority = await Authority.create();
  it.defer(() => authority.remove());
  const responderPort = port === 0 ? await freePort() : port;
  const url = `http://127.0.0.1:${responderPort}/${path}`;
  const extensions = `authorityInfoAccess=OCSP;URI:${url}\n${more}`;
  const leaf = await authority.issue("DNS:a.test", 30, "/CN=leaf", extensions);
  const chain = JSON.stringify(leaf.cert + (await readFile(authority.caFile, "utf8")));
  return {
    ...authority,
    leaf,
    config: (top = "") => `{ ${top} sites: [{ hosts: a.test, routes: [{ respond: { status: 200 } }],
      tls: { cert: ${chain}, key: ${leaf.keyFile} } }] }`,
    async responds(known: KnownTo) {
      const responder = await startResponder(authority, responderPort, known);
      it.defer(() => responder[Symbol.asyncDispose]());
    },
  };
}

interface Reported {
  readonly ocsp?: { readonly state: string; readonly problem?: string };
  readonly warnings: readonly string[];
}

async function reported(proxy: { status(): Promise<Record<string, unknown>> }): Promise<Reported> {
  const { certificates } = await proxy.status();
  return (certificates as Reported[])[0]!;
}

for (const workers of [1, 2]) {
  scenario(
    `a client who asks gets what the responder said, by TLS 1.2 and 1.3 (${workers} at work)`,
    async (it) => {
      const { responds, config, leaf, caFile } = await stage(it);
      await responds({ good: [leaf] });
      const proxy = await it.proxyHere(config(`workers: ${workers},`));

      const stapled = await eventually(
        async () => ((await stapledTo(proxy.port, caFile, "tls1_3")) === "good" ? true : undefined),
        () => "a stapled answer",
      );

      assert.ok(stapled);
      for (let round = 0; round < 4; round++) {
        assert.equal(await stapledTo(proxy.port, caFile, "tls1_2"), "good");
      }
      (await tlsConnect(proxy.port, "a.test")).destroy(); // does not ask
      assert.equal((await reported(proxy)).ocsp?.state, "stapled");
      assert.equal(await proxy.metric('sluice_ocsp_answers_total{outcome="good"}'), 1);
    },
    { skip },
  );
}

scenario(
  "what must be stapled is from the first handshake on",
  async (it) => {
    const { responds, config, leaf, caFile } = await stage(it, { more: MUST });
    await responds({ good: [leaf] });
    const proxy = await it.proxyHere(config());

    assert.equal(await stapledTo(proxy.port, caFile, "tls1_3"), "good");
    assert.deepEqual((await reported(proxy)).warnings, []);
  },
  { skip },
);

scenario(
  "a certificate that its CA has revoked has nothing stapled, and operators are told",
  async (it) => {
    const { responds, config, leaf, caFile } = await stage(it, { more: MUST });
    await responds({ revoked: [leaf] });
    const proxy = await it.proxyHere(config());

    const { warnings, ocsp } = await reported(proxy);

    assert.deepEqual([ocsp?.state, warnings], ["revoked", ["its CA has revoked it"]]);
    assert.equal(await stapledTo(proxy.port, caFile, "tls1_3"), "none");
  },
  { skip },
);

scenario(
  "without a responder there are handshakes all the same, and a warning where it must be stapled",
  async (it) => {
    const { config, caFile } = await stage(it, { more: MUST });
    const proxy = await it.proxyHere(config());

    assert.equal(await stapledTo(proxy.port, caFile, "tls1_3"), "none");
    const { warnings } = await reported(proxy);
    assert.equal(warnings.length, 1);
    assert.match(warnings[0]!, /\(must-staple\), and there is none: connect ECONNREFUSED/);
  },
  { skip },
);

scenario(
  "a responder that sends us elsewhere is not followed (SSRF), nor one that talks without end",
  async (it) => {
    const inside = await it.origin("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi");
    const length = 10_000_000;
    const endless = await it.origin(
      `HTTP/1.1 200 OK\r\ncontent-length: ${length}\r\n\r\n${"0".repeat(length)}`,
    );
    const away = await it.origin(
      `HTTP/1.1 302 Found\r\nlocation: ${inside.url}/\r\ncontent-length: 0\r\n\r\n`,
    );
    for (const [{ port }, problem] of [
      [away, "it answers 302"],
      [endless, "the answer is too long"],
    ] as const) {
      const { config, caFile } = await stage(it, { more: MUST, port });
      const proxy = await it.proxyHere(config());

      assert.equal((await reported(proxy)).ocsp?.problem, problem);
      assert.equal(await stapledTo(proxy.port, caFile, "tls1_3"), "none");
    }
    assert.equal(inside.connections.length, 0);
  },
  { skip },
);

scenario(
  "switched off nobody is asked",
  async (it) => {
    const responder = await it.origin("HTTP/1.1 500 No\r\ncontent-length: 0\r\n\r\n");
    const { config, caFile } = await stage(it, { more: MUST, port: responder.port });
    const proxy = await it.proxyHere(config("tls: { ocsp: off },"));

    assert.equal(await stapledTo(proxy.port, caFile, "tls1_3"), "none");
    assert.equal(responder.connections.length, 0);
    const [warning] = (await reported(proxy)).warnings;
    assert.match(warning!, /and there is none: tls\.ocsp is off$/);
  },
  { skip },
);
