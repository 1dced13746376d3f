/** `tls: internal`: certificates of a CA of our own, for development. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { served, shake } from "../support/acme-stage.ts";
import { eventually } from "../support/deadline.ts";
import { scenario } from "../support/scenario.ts";

scenario("a site with tls: internal is served at once, by a CA that lasts", async (it) => {
  const storage = await mkdtemp(join(tmpdir(), "sluice-internal-"));
  it.defer(() => rm(storage, { recursive: true }));
  const config = `{ tls: { acme: { storage: ${storage} } }, sites: [
    { hosts: [dev.localhost, "*.dev.localhost", "127.0.0.1"], tls: internal, routes: [{ respond: 204 }] }] }`;
  const first = await it.proxyHere(config);
  const rootFile = join(storage, "internal/root.json");
  await eventually(
    () => readFile(rootFile, "utf8").catch(() => undefined),
    () => "a root",
  );
  const { certificate: root } = JSON.parse(await readFile(rootFile, "utf8")) as {
    readonly certificate: string;
  };

  const named = await served(first.port, "dev.localhost", root);
  const below = await served(first.port, "a.dev.localhost", root);
  const nameless = await served(first.port, "", root);
  const stranger = await shake(first.port, "other.test", root);
  await first.stop();
  const second = await it.proxyHere(config);
  const again = await shake(second.port, "dev.localhost", root);

  assert.equal(named.subjectAltName, "DNS:dev.localhost");
  assert.equal(below.subjectAltName, "DNS:*.dev.localhost");
  assert.equal(nameless.subjectAltName, "IP Address:127.0.0.1");
  assert.match(String(stranger), /unrecognized name/);
  assert.equal(typeof again === "string" ? again : again.serialNumber, named.serialNumber);
  assert.equal((await stat(rootFile)).mode & 0o777, 0o600);
});

scenario(
  "sluice trust: the root that sites are served by, made if there is none yet",
  async (it) => {
    const storage = await mkdtemp(join(tmpdir(), "sluice-trust-"));
    it.defer(() => rm(storage, { recursive: true }));
    const config = `{ tls: { acme: { storage: ${storage} } }, sites: [
    { hosts: [dev.localhost], tls: internal, routes: [{ respond: 204 }] }] }`;
    const file = join(storage, "sluice.yaml");
    await writeFile(file, config);

    const told = await sluice("trust", "-c", file);
    const pem = await sluice("trust", "--pem", "-c", file);
    const proxy = await it.proxyHere(config);
    const certificate = await served(proxy.port, "dev.localhost", pem);

    const path = join(storage, "internal/root.pem");
    assert.ok(told.includes(`The root of tls: internal is in ${path}.`), told);
    assert.equal(await readFile(path, "utf8"), pem);
    assert.equal(certificate.subjectAltName, "DNS:dev.localhost");
    assert.doesNotMatch(told + pem, /PRIVATE/);
  },
);

async function sluice(...args: string[]): Promise<string> {
  const main = new URL("../../src/main.ts", import.meta.url).pathname;
  const { stdout } = await promisify(execFile)(process.execPath, [main, ...args]);
  return stdout;
}
