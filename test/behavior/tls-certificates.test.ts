/** Which of several certificates a client gets, and what becomes of files that change. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { copyFile, readFile, rename, rm, writeFile } from "node:fs/promises";
import { selfSignedFiles } from "../support/certificate.ts";
import { eventually } from "../support/deadline.ts";
import { skipWithout } from "../support/parts.ts";
import { scenario } from "../support/scenario.ts";
import { certificateFor, tlsConnect, tlsRefusal } from "../support/tls-stage.ts";

const skip = skipWithout("openssl");
const ROUTES = "routes: [{ respond: { status: 200 } }]";

/** The serial number tells one certificate from another of the same name. */
async function served(port: number, options = {}) {
  const socket = await tlsConnect(port, "a.test", options);
  const { serialNumber, bits } = socket.getPeerCertificate();
  const { name } = socket.getCipher();
  const protocol = socket.getProtocol();
  socket.resume().end();
  await once(socket, "close");
  return { serialNumber, bits, name, protocol };
}

scenario(
  "a client who can check ECDSA gets that certificate, another one the one with RSA",
  async (it) => {
    const ec = await certificateFor(it, ["a.test"]);
    const rsa = await certificateFor(it, ["a.test"], { algorithm: "rsa" });
    const { port } = await it.proxy(`{ sites: [{ hosts: a.test, ${ROUTES}, tls: [
      { cert: ${rsa.cert}, key: ${rsa.key} }, { cert: ${ec.cert}, key: ${ec.key} }] }] }`);

    assert.equal((await served(port)).bits, 256);
    assert.equal((await served(port, { sigalgs: "rsa_pss_rsae_sha256" })).bits, 2048);
    const old = { maxVersion: "TLSv1.2", ciphers: "ECDHE-RSA-AES128-GCM-SHA256" };
    assert.equal((await served(port, old)).bits, 2048);
  },
  { skip },
);

scenario(
  "modern is TLS 1.3 alone, intermediate TLS 1.2 too, and nothing older or weaker",
  async (it) => {
    const { cert, key } = await certificateFor(it, ["a.test", "b.test"]);
    const tls = `cert: ${cert}, key: ${key}`;
    const { port } = await it.proxy(`{ tls: { profile: modern }, sites: [
      { hosts: a.test, ${ROUTES}, tls: { ${tls} } },
      { hosts: b.test, ${ROUTES}, tls: { ${tls}, profile: intermediate } }] }`);
    const old = { maxVersion: "TLSv1.2" } as const;

    assert.equal((await served(port)).protocol, "TLSv1.3");
    assert.equal(await tlsRefusal(port, "a.test", old), "ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION");
    assert.equal(await tlsRefusal(port, "b.test", old), "secured");
    for (const ciphers of [
      "ECDHE-ECDSA-AES128-SHA",
      "AES128-GCM-SHA256",
      "ECDHE-ECDSA-AES256-CCM",
    ]) {
      const refusal = await tlsRefusal(port, "b.test", {
        ...old,
        ciphers: `${ciphers}:@SECLEVEL=0`,
      });
      assert.match(refusal, /ALERT_HANDSHAKE_FAILURE$/, ciphers);
    }
    const oldest = {
      minVersion: "TLSv1",
      maxVersion: "TLSv1.1",
      ciphers: "ALL:@SECLEVEL=0",
    } as const;
    assert.equal(await tlsRefusal(port, "b.test", oldest), "ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION");
  },
  { skip },
);

scenario(
  "a post-quantum key exchange is had by who asks for it",
  async (it) => {
    const { cert, key } = await certificateFor(it, ["a.test"]);
    const { port } = await it.proxy(
      `{ sites: [{ hosts: a.test, ${ROUTES}, tls: { cert: ${cert}, key: ${key} } }] }`,
    );

    assert.equal(await tlsRefusal(port, "a.test", { ecdhCurve: "X25519MLKEM768" }), "secured");
  },
  { skip },
);

scenario(
  "changed files are taken up without a reload, in every worker; broken ones change nothing",
  async (it) => {
    const { cert, key, folder } = await certificateFor(it, ["a.test"]);
    const proxy = await it.proxyHere(
      `{ workers: 2, sites: [{ hosts: a.test, ${ROUTES}, tls: { cert: ${cert}, key: ${key} } }] }`,
    );
    const first = await served(proxy.port);
    const saidOf = async (wanted: RegExp) => {
      const said = async () => {
        const { certificates } = (await proxy.status()) as {
          certificates: { warnings: string[] }[];
        };
        return wanted.test(certificates[0]!.warnings.join()) ? true : undefined;
      };
      await eventually(said, () => `a status with ${wanted}`, 15_000);
    };

    // Half-written, then another one's key, then nothing at all: the old one is served.
    await writeFile(cert, (await readFile(cert, "utf8")).slice(0, 200));
    const next = await selfSignedFiles(folder, ["a.test"], { stem: "next" });
    await saidOf(/a newer one cannot be used \(cert: it has no certificate in PEM\)/);
    assert.equal((await served(proxy.port)).serialNumber, first.serialNumber);
    await copyFile(next.cert, cert);
    await saidOf(/a newer one cannot be used \(key: it is not the certificate's key\)/);
    assert.equal((await served(proxy.port)).serialNumber, first.serialNumber);
    await rm(key);
    await rename(next.key, key);

    let same = 0;
    await eventually(
      async () => {
        const { serialNumber } = await served(proxy.port);
        same = serialNumber === first.serialNumber ? 0 : same + 1;
        return same > 20 ? true : undefined; // both workers have it
      },
      () => "the new certificate",
      15_000,
    );
    const { certificates } = (await proxy.status()) as { certificates: { warnings: string[] }[] };
    assert.deepEqual(certificates[0]!.warnings, []);
    const full =
      'sluice_tls_handshakes_total{listener="127.0.0.1:0",version="TLSv1.3",resumed="no"}';
    assert.ok((await proxy.metric(full)) > 20, await proxy.metrics());
    assert.match(
      await proxy.metrics(),
      /^sluice_certificate_warnings\{certificate="file .*"\} 0$/m,
    );
  },
  { skip, timeoutMs: 60_000 },
);
