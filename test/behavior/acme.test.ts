/** Certificates that come by themselves, from the real pebble, which refuses nonces as it likes. */
import assert from "node:assert/strict";
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { acmeConfig, acmeStage, served, shake, stored } from "../support/acme-stage.ts";
import { eventually } from "../support/deadline.ts";
import { freePort } from "../support/free.ts";
import { skipWithout } from "../support/parts.ts";
import { firstStatus, scenario } from "../support/scenario.ts";

const options = { skip: skipWithout("pebble"), timeoutMs: 120_000 };

for (const challenge of ["http-01", "tls-alpn-01"]) {
  scenario(
    `a site with tls: auto gets its certificate by ${challenge}, from a CA that refuses nonces`,
    async (it) => {
      const at = await acmeStage(it, { nonceReject: 50, sleeps: true });

      await it.proxyHere(acmeConfig(at, ["a.test"], `, challenges: [${challenge}]`));
      const certificate = await served(at.tls, "a.test", await at.pebble.issuingRoot());

      assert.equal(certificate.subjectAltName, "DNS:a.test");
      assert.deepEqual(await stored(at.storage), ["a.test.json"]);
      const { mode } = await stat(join(at.storage, "certificates/a.test.json"));
      assert.equal(mode & 0o777, 0o600);
      assert.match(at.pebble.log(), /set VALID by completed challenge/);
    },
    options,
  );
}

scenario(
  "a hundred names, and a CA that refuses every other nonce: all get one, and nothing is ordered twice",
  async (it) => {
    const at = await acmeStage(it, { nonceReject: 50 });
    const names = Array.from({ length: 100 }, (_, index) => `n${index}.test`);

    await it.proxyHere(acmeConfig(at, names));
    const files = await stored(at.storage, 100);

    assert.equal(files.length, 100);
    const orders = at.pebble.log().match(/There are now \d+ orders in the db/g) ?? [];
    assert.equal(orders.length, 100);
    await served(at.tls, "n99.test", await at.pebble.issuingRoot());
  },
  options,
);

scenario(
  "after a restart the certificate is there from the first handshake on, and nothing is ordered",
  async (it) => {
    const at = await acmeStage(it);
    const first = await it.proxyHere(acmeConfig(at, ["a.test"]));
    const ca = await at.pebble.issuingRoot();
    const before = await served(at.tls, "a.test", ca);
    await stored(at.storage);
    await first.stop();

    await it.proxyHere(acmeConfig(at, ["a.test"]));
    const answer = await shake(at.tls, "a.test", ca);

    assert.equal(typeof answer === "string" ? answer : answer.serialNumber, before.serialNumber);
    assert.equal(at.pebble.log().match(/orders in the db/g)?.length, 1);
  },
  options,
);

scenario(
  "two instances with one storage: the CA may look at the one that did not order",
  async (it) => {
    const at = await acmeStage(it);
    const other = { ...at, tls: await freePort(), http: await freePort() };
    await it.proxyHere(acmeConfig(at, ["b.test"], ", challenges: [http-01]"));
    await stored(at.storage);

    await it.proxyHere(acmeConfig(other, ["a.test"], ", challenges: [http-01]"));
    const certificate = await served(other.tls, "a.test", await at.pebble.issuingRoot());

    assert.equal(certificate.subjectAltName, "DNS:a.test");
  },
  options,
);

scenario(
  "two processes with one storage: the second waits for the first, and serves what it got",
  async (it) => {
    const at = await acmeStage(it, { sleeps: true });
    const other = { ...at, tls: await freePort(), http: await freePort() };

    await it.process(acmeConfig(at, ["a.test"]));
    await it.process(acmeConfig(other, ["a.test"]));
    const ca = await at.pebble.issuingRoot();
    const first = await served(at.tls, "a.test", ca);
    const second = await served(other.tls, "a.test", ca);

    assert.equal(first.serialNumber, second.serialNumber);
    assert.equal(at.pebble.log().match(/orders in the db/g)?.length, 1);
  },
  options,
);

scenario(
  "a site that comes with a reload gets its certificate, and the others keep theirs",
  async (it) => {
    const at = await acmeStage(it);
    const proxy = await it.proxyHere(acmeConfig(at, ["a.test"]));
    const ca = await at.pebble.issuingRoot();
    const before = await served(at.tls, "a.test", ca);

    await proxy.reload(acmeConfig(at, ["a.test", "b.test"]));
    const added = await served(at.tls, "b.test", ca);
    const after = await served(at.tls, "a.test", ca);

    assert.equal(added.subjectAltName, "DNS:b.test");
    assert.equal(after.serialNumber, before.serialNumber);
  },
  options,
);

scenario(
  "until the first certificate is there, clients get a self-signed one only where that is said",
  async (it) => {
    const at = await acmeStage(it);
    const dead = { ...at, acme: `storage: ${at.storage}, ca: "https://127.0.0.1:9/dir"` };

    await it.proxyHere(acmeConfig(dead, ["a.test"]));
    const refused = await shake(at.tls, "a.test", "");
    const other = { ...dead, tls: await freePort(), http: await freePort() };
    await it.proxyHere(acmeConfig(other, ["a.test"], ", meanwhile: selfSigned"));
    const selfSigned = await shake(other.tls, "a.test", "");

    assert.match(String(refused), /unrecognized name/);
    assert.match(String(selfSigned), /self-signed certificate/);
  },
  options,
);

scenario(
  "an account that is bound to one at the CA",
  async (it) => {
    const key = "zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W";
    const at = await acmeStage(it, { external: { "kid-1": key } });
    const bound = {
      ...at,
      acme: at.acme.replace(/ }$/, `, externalAccount: { kid: kid-1, key: ${key} } }`),
    };

    await it.proxyHere(acmeConfig(bound, ["a.test"]));
    const certificate = await served(at.tls, "a.test", await at.pebble.issuingRoot());

    assert.equal(certificate.subjectAltName, "DNS:a.test");
  },
  options,
);

scenario(
  "an IP address gets a certificate, too, and clients that name nobody get it",
  async (it) => {
    const at = await acmeStage(it);

    await it.proxyHere(acmeConfig(at, ["127.0.0.1"]));
    const certificate = await served(at.tls, "", await at.pebble.issuingRoot());

    assert.equal(certificate.subjectAltName, "IP Address:127.0.0.1");
  },
  options,
);

scenario(
  "a token that is not ours goes to the site, whatever it tries to climb to",
  async (it) => {
    const at = await acmeStage(it);
    const origin = await it.origin("HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\norigin");
    await it.proxyHere(
      `{ tls: { acme: { ${at.acme} } }, upstreams: { app: ${origin.url} }, sites: [
        { hosts: [a.test], tls: { cert: auto, redirectFrom: "off" }, listen: ["127.0.0.1:${at.tls}"],
          routes: [{ respond: 204 }] },
        { hosts: ["*"], listen: ["127.0.0.1:${at.http}"], routes: [{ forward: app }] }] }`,
    );
    await served(at.tls, "a.test", await at.pebble.issuingRoot());
    await stored(at.storage);
    const paths = [
      "token-of-nobody",
      "",
      "%2e%2e%2f..%2fcertificates%2fa.test.json",
      "..%5c..%5ccertificates%5ca.test.json",
      "a".repeat(4_000),
      "x?y=/../z",
      "%00",
    ];

    const answers = [];
    for (const path of paths) {
      const request = `GET /.well-known/acme-challenge/${path} HTTP/1.1\r\nhost: b.test\r\n\r\n`;
      answers.push(await it.client(request, { port: at.http }));
    }

    for (const answer of answers) assert.doesNotMatch(answer, /BEGIN|PRIVATE/);
    assert.equal(firstStatus(answers[0]!), 200);
    assert.match(answers[0]!, /origin$/);
  },
  options,
);

scenario(
  "status and log say what became of it",
  async (it) => {
    const at = await acmeStage(it);
    const dead = { ...at, acme: `storage: ${at.storage}, ca: "https://127.0.0.1:9/dir"` };
    const proxy = await it.proxyHere(acmeConfig(dead, ["a.test"]));

    const failing = await eventually(
      async () => {
        const [each] = (await proxy.status())["automaticCertificates"] as Record<string, unknown>[];
        return each?.["problem"] === undefined ? undefined : each;
      },
      () => "a problem in the status",
      60_000,
    );

    assert.deepEqual(failing["names"], ["a.test"]);
    assert.equal(failing["state"], "failing");
    assert.match(String(failing["problem"]), /127\.0\.0\.1:9 cannot be reached/);
    const series = 'sluice_acme_orders_total{issuer="127.0.0.1:9",outcome="unreachable"}';
    assert.equal(await proxy.metric(series), 1);
    await assert.rejects(readFile(join(at.storage, "certificates/a.test.json")));
  },
  options,
);
