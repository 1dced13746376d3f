/** Certificates for names that no config has: asked for, limited, and served by every worker. */
import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { type AcmeStage, acmeStage, served, shake } from "../support/acme-stage.ts";
import { skipWithout } from "../support/parts.ts";
import { type Scenario, scenario } from "../support/scenario.ts";

const options = { skip: skipWithout("pebble"), timeoutMs: 120_000 };

/** Says yes to names that begin with "good", and remembers who was asked about. */
async function asked(it: Scenario): Promise<{ readonly url: string; readonly names: string[] }> {
  const names: string[] = [];
  const server = createServer((request, response) => {
    const name = new URL(request.url!, "http://ask").searchParams.get("domain")!;
    names.push(name);
    response.statusCode = name.startsWith("good") ? 200 : name.startsWith("moved") ? 302 : 404;
    response.end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  it.defer(() => server.close());
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/ask`, names };
}

function config(at: AcmeStage, ask: string, more = "", workers = 1): string {
  return `{ workers: ${workers}, tls: { acme: { ${at.acme}, onDemand: { ask: "${ask}" ${more} } } }, sites: [{
    hosts: ["*"], listen: ["127.0.0.1:${at.tls}"],
    tls: { cert: auto, redirectFrom: "127.0.0.1:${at.http}" }, routes: [{ respond: 204 }] }] }`;
}

for (const workers of [1, 2]) {
  scenario(
    `a name that the endpoint allows gets its certificate within the handshake (${workers} workers)`,
    async (it) => {
      const at = await acmeStage(it);
      const ask = await asked(it);
      await it.proxyHere(config(at, ask.url, "", workers));
      const ca = await at.pebble.issuingRoot();

      const first = await shake(at.tls, "good.test", ca);
      const others = await Promise.all(
        Array.from({ length: 8 }, () => served(at.tls, "good.test", ca)),
      );
      const refused = await shake(at.tls, "bad.test", ca);
      const moved = await shake(at.tls, "moved.test", ca);

      assert.ok(typeof first !== "string", String(first));
      assert.deepEqual(new Set(others.map(({ serialNumber }) => serialNumber)).size, 1);
      assert.match(String(refused), /unrecognized name/);
      assert.match(String(moved), /unrecognized name/);
      assert.deepEqual(ask.names, ["good.test", "bad.test", "moved.test"]);
      assert.equal(at.pebble.log().match(/orders in the db/g)?.length, 1);
    },
    options,
  );
}

scenario(
  "a flood of names asks no more often than it may, and a refusal holds (D12)",
  async (it) => {
    const at = await acmeStage(it);
    const ask = await asked(it);
    await it.proxyHere(config(at, ask.url, ", perMinute: 5"));

    for (let index = 0; index < 10; index++) await shake(at.tls, "bad.test", "");
    const flood = Array.from({ length: 100 }, (_, index) => shake(at.tls, `bad${index}.test`, ""));
    await Promise.all(flood);
    for (const name of ["bad", "bad_.test", "x.bad.1"]) await shake(at.tls, name, "");

    assert.equal(ask.names.filter((name) => name === "bad.test").length, 1);
    assert.equal(ask.names.length, 5);
    assert.equal(at.pebble.log().includes("orders in the db"), false);
  },
  options,
);
