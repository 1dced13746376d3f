/** dns-01: records in a real name server, by updates, by a program and by a function. */
import assert from "node:assert/strict";
import { chmod, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type AcmeStage, acmeStage, served, shake } from "../support/acme-stage.ts";
import { eventually } from "../support/deadline.ts";
import { type Knot, startKnot } from "../support/knot.ts";
import { skipWithout } from "../support/parts.ts";
import { type Scenario, scenario } from "../support/scenario.ts";

const options = {
  skip: skipWithout("pebble") || skipWithout("knotd"),
  timeoutMs: 120_000,
};

async function stage(it: Scenario): Promise<{ readonly knot: Knot; readonly at: AcmeStage }> {
  // In one zone, since Knot leads nobody who asks from one of its zones into another.
  const knot = await startKnot({ "a.test": "_acme-challenge.d CNAME proofs" });
  it.defer(() => knot[Symbol.asyncDispose]());
  return { knot, at: await acmeStage(it, { dnsServer: knot.address }) };
}

function config(at: AcmeStage, hosts: string, dns: string): string {
  return `{ tls: { acme: { ${at.acme}, challenges: [dns-01], dns: { ${dns} } } }, sites: [{
    hosts: [${hosts}], listen: ["127.0.0.1:${at.tls}"], tls: { cert: auto, redirectFrom: "off" },
    routes: [{ respond: 204 }] }] }`;
}

function update({ address, secret }: Knot, more = ""): string {
  const key = `{ name: sluice, secret: "${secret}" }`;
  return `update: { server: "${address}", key: ${key} ${more} }, resolvers: ["${address}"]`;
}

scenario(
  "a wildcard by a signed DNS UPDATE, and names that it covers need none of their own",
  async (it) => {
    const { knot, at } = await stage(it);
    const hosts = '"*.a.test", www.a.test, a.test';

    await it.proxyHere(config(at, hosts, update(knot)));
    const ca = await at.pebble.issuingRoot();
    const wildcard = await served(at.tls, "www.a.test", ca);
    const apex = await served(at.tls, "a.test", ca);

    assert.equal(wildcard.subjectAltName, "DNS:*.a.test");
    assert.equal(apex.subjectAltName, "DNS:a.test");
    assert.equal(at.pebble.log().match(/orders in the db/g)?.length, 2);
  },
  options,
);

scenario(
  "an alias leads the record to where it points",
  async (it) => {
    const { knot, at } = await stage(it);

    await it.proxyHere(config(at, "d.a.test", update(knot, ", zone: a.test")));
    const certificate = await served(at.tls, "d.a.test", await at.pebble.issuingRoot());

    assert.equal(certificate.subjectAltName, "DNS:d.a.test");
  },
  options,
);

scenario(
  "an update that the server refuses is told, and no CA is asked to look",
  async (it) => {
    const { knot, at } = await stage(it);
    const wrong = { ...knot, secret: Buffer.alloc(32).toString("base64") };

    const proxy = await it.proxyHere(config(at, "a.test", update(wrong)));
    const problem = await eventually(
      async () => {
        const [each] = (await proxy.status())["automaticCertificates"] as Record<string, unknown>[];
        return each?.["problem"] as string | undefined;
      },
      () => "a problem",
      20_000,
    );

    assert.match(
      problem,
      /dns-01 for a\.test: 127\.0\.0\.1:\d+ answers NOTAUTH for _acme-challenge\.a\.test/,
    );
    assert.doesNotMatch(at.pebble.log(), /Attempting to validate|Pulled a task/);
    assert.match(String(await shake(at.tls, "a.test", "")), /unrecognized name/);
  },
  options,
);

scenario(
  "a program puts records there, and takes them back",
  async (it) => {
    const { knot, at } = await stage(it);
    const folder = await mkdtemp(join(tmpdir(), "sluice-hook-"));
    it.defer(() => rm(folder, { recursive: true }));
    const [host, port] = knot.address.split(":");
    const hook = join(folder, "hook");
    await writeFile(
      hook,
      `#!/bin/sh
echo "$@" >> ${folder}/log
if [ "$2" = add ]; then verb="add $3 5 TXT $4"; else verb="del $3 TXT $4"; fi
printf 'server ${host} ${port}\\nzone a.test\\n%s\\nsend\\n' "$verb" | knsupdate -y hmac-sha256:sluice:${knot.secret}
`,
    );
    await chmod(hook, 0o755);

    const dns = `command: ["${hook}", "an argument; with $words"], resolvers: ["${knot.address}"]`;
    await it.proxyHere(config(at, '"*.a.test"', dns));
    await served(at.tls, "x.a.test", await at.pebble.issuingRoot());
    const lines = await eventually(
      async () => {
        const text = await readFile(join(folder, "log"), "utf8");
        return text.includes(" remove ") ? text.trim().split("\n") : undefined;
      },
      () => "the record to be taken back",
    );

    const [added, removed] = lines.map((line) => line.replace(/ \S{43}$/, ""));
    assert.equal(added, "an argument; with $words add _acme-challenge.a.test");
    assert.equal(removed, "an argument; with $words remove _acme-challenge.a.test");
  },
  { ...options, skip: options.skip || skipWithout("knsupdate") },
);
