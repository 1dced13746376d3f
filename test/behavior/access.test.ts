/** Addresses, countries and times, over real sockets: what is refused, followed, and told. */
import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { eventually } from "../support/deadline.ts";
import { mmdbOf } from "../support/mmdb-writer.ts";
import {
  faultOf,
  firstStatus,
  forwardTo,
  OK,
  type Scenario,
  scenario,
} from "../support/scenario.ts";

async function folderOf(it: Scenario): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "sluice-access-"));
  it.defer(() => rm(folder, { recursive: true }));
  return folder;
}

/** As a trusted proxy would say it. */
function from(address: string, path = "/"): string {
  return `GET ${path} HTTP/1.1\r\nhost: a.test\r\nx-forwarded-for: ${address}\r\n\r\n`;
}

const TRUST = "trust: { proxies: [127.0.0.1] }";

scenario("access: a list of networks is followed while it runs, in all workers", async (it) => {
  const origin = await it.origin(OK);
  const file = join(await folderOf(it), "drop.txt");
  await writeFile(file, "# drop\n192.0.2.0/24\n");
  const proxy = await it.proxy(
    forwardTo(origin.url, { top: `${TRUST}, workers: 2`, route: `deny: { file: ${file} }` }),
  );
  const statusOf = async (address: string) => firstStatus(await it.client(from(address)));

  assert.equal(await statusOf("192.0.2.1"), 403);
  assert.equal(await faultOf(proxy), "access_denied");
  assert.equal(await statusOf("198.51.100.1"), 200);
  await writeFile(file, "198.51.100.0/24\n2001:db8::/32\n");
  await eventually(
    async () => {
      const all = await Promise.all(Array.from({ length: 8 }, () => statusOf("198.51.100.1")));
      return all.every((status) => status === 403) ? true : undefined;
    },
    () => "the new list to be in force everywhere",
    15_000,
  );

  assert.equal(await statusOf("192.0.2.1"), 200);
  assert.equal(await statusOf("2001:db8::9"), 403);
});

const country = (codes: Readonly<Record<string, string>>) =>
  mmdbOf(
    Object.fromEntries(
      Object.entries(codes).map(([net, code]) => [net, { country: { iso_code: code } }]),
    ),
  );

scenario("access: countries by a database that is swapped while it runs", async (it) => {
  const origin = await it.origin(OK);
  const file = join(await folderOf(it), "country.mmdb");
  await writeFile(file, country({ "192.0.2.0/24": "DE", "198.51.100.0/24": "FR" }));
  const proxy = await it.proxyHere(`{
    ${TRUST}, geo: { country: ${file} }, upstreams: { app: ${origin.url} },
    sites: [{ hosts: ["*"], routes: [
      { match: { path: /where }, respond: "{country} {asn}" },
      { match: { path: /fr, country: FR }, respond: bonjour },
      { forward: app, allow: { country: [DE, unknown] } },
    ] }] }`);
  const statusOf = async (address: string) => firstStatus(await it.client(from(address)));
  const bodyOf = async (address: string, path: string) =>
    (await it.client(from(address, path))).split("\r\n\r\n")[1];

  assert.equal(await statusOf("192.0.2.1"), 200);
  assert.equal(await statusOf("198.51.100.1"), 403);
  assert.equal(await faultOf(proxy, 2), "access_not_allowed");
  assert.equal(await statusOf("203.0.113.1"), 200, "unknown");
  assert.equal(await bodyOf("192.0.2.1", "/where"), "DE ");
  assert.equal(await bodyOf("198.51.100.1", "/fr"), "bonjour");
  assert.equal(
    firstStatus(await it.client(from("192.0.2.1", "/fr"))),
    200,
    "goes on to the next route",
  );

  await writeFile(file, "half a database");
  const problem = await eventually(
    async () => {
      await statusOf("192.0.2.1");
      const { geo } = (await proxy.status()) as { geo: { problem?: string }[] };
      return geo[0]!.problem;
    },
    () => "the status to tell of it",
    15_000,
  );
  assert.match(problem, /is no MaxMind database/);
  assert.equal(await statusOf("198.51.100.1"), 403, "the old one stays");

  await writeFile(file, country({ "198.51.100.0/24": "DE" }));
  await eventually(
    async () => ((await statusOf("198.51.100.1")) === 200 ? true : undefined),
    () => "the new database to be in force",
    15_000,
  );
});

scenario(
  "access: what a client claims of its address counts only from trusted peers",
  async (it) => {
    const origin = await it.origin(OK);
    await it.proxy(forwardTo(origin.url, { route: "allow: 192.0.2.0/24" }));

    assert.equal(firstStatus(await it.client(from("192.0.2.1"))), 403);
  },
);

scenario("access: a list that is not there closes its route, and no other (A4)", async (it) => {
  const origin = await it.origin(OK);
  const file = join(await folderOf(it), "drop.txt");
  const config = `{ upstreams: { app: ${origin.url} }, sites: [{ hosts: ["*"], routes: [
    { match: { path: /in }, forward: app, deny: { file: ${file} } },
    { forward: app },
  ] }] }`;
  const proxy = await it.proxyHere(config);
  const inside = from("192.0.2.1", "/in");

  assert.equal(firstStatus(await it.client(inside)), 503);
  assert.equal(await faultOf(proxy), "security_unbuilt");
  assert.equal(firstStatus(await it.client(from("192.0.2.1"))), 200);
  await writeFile(file, "10.0.0.0/8\n");
  await proxy.reload(config);

  assert.equal(firstStatus(await it.client(inside)), 200);
});
