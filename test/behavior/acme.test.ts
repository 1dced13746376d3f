import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect } from "node:tls";
import { eventually } from "../support/deadline.ts";
import { freePort } from "../support/free.ts";
import { skipWithout } from "../support/parts.ts";
import { type Pebble, type PebbleOptions, startPebble } from "../support/pebble.ts";
import { type Scenario, scenario } from "../support/scenario.ts";

const options = { skip: skipWithout("pebble"), timeoutMs: 120_000 };
const PATIENCE_MS = 90_000;

interface Stage {
  readonly pebble: Pebble;
  readonly storage: string;
  readonly tls: number;
  readonly http: number;
  readonly acme: string; // the inside of tls.acme
}

async function stage(it: Scenario, wanted: PebbleOptions = {}): Promise<Stage> {
  const [tls, http] = [await freePort(), await freePort()];
  const storage = await mkdtemp(join(tmpdir(), "sluice-acme-"));
  const pebble = await startPebble({ httpPort: http, tlsPort: tls, ...wanted });
  it.defer(() => pebble[Symbol.asyncDispose]());
  it.defer(() => rm(storage, { recursive: true }));
  const ca = `{ directory: "${pebble.directory}", root: ${JSON.stringify(pebble.roots)} }`;
  return { pebble, storage, tls, http, acme: `storage: ${storage}, ca: ${ca}` };
}

function config(at: Stage, names: readonly string[], more = "", top = ""): string {
  const sites = names.map(
    (name) => `{
      hosts: ["${name}"], listen: ["127.0.0.1:${at.tls}"],
      tls: { cert: auto, redirectFrom: "127.0.0.1:${at.http}" },
      routes: [{ respond: { status: 200, body: "hello" } }]
    }`,
  );
  return `{ tls: { acme: { ${at.acme} ${more} } }, sites: [${sites.join()}] ${top} }`;
}

/** The certificate that a client of that name gets, once there is one. */
async function served(port: number, name: string, ca: string): Promise<X509Certificate> {
  let why = "";
  return await eventually(
    async () => {
      const answer = await shake(port, name, ca);
      if (answer instanceof X509Certificate) return answer;
      why = answer;
      return undefined;
    },
    () => `a certificate for ${name}: ${why}`,
    PATIENCE_MS,
  );
}

function shake(port: number, name: string, ca: string): Promise<X509Certificate | string> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: "127.0.0.1", servername: name, ca }, () => {
      resolve(socket.getPeerX509Certificate() ?? "none");
      socket.destroy();
    });
    socket.on("error", (error) => resolve(error.message));
  });
}

for (const challenge of ["http-01", "tls-alpn-01"]) {
  scenario(
    `a site with tls: auto gets its certificate by ${challenge}, from a CA that refuses nonces`,
    async (it) => {
      const at = await stage(it, { nonceReject: 50 });

      await it.proxyHere(config(at, ["a.test"], `, challenges: [${challenge}]`));
      const certificate = await served(at.tls, "a.test", await at.pebble.issuingRoot());

      assert.equal(certificate.subjectAltName, "DNS:a.test");
      assert.deepEqual(await readdir(join(at.storage, "certificates")), ["a.test.json"]);
      assert.deepEqual(await readdir(join(at.storage, "challenges")), [
        challenge === "http-01" ? "http" : "tls",
      ]);
    },
    options,
  );
}
