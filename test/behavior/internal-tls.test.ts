/** `tls: internal`: certificates of a CA of our own, for development. */
import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
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
