/**
 * What explain tells is what the proxy does: random configs and requests are explained, and then
 * sent to a real proxy with real origins. Only ids, and the name in Via, may differ.
 */
import assert from "node:assert/strict";
import { explanation } from "../../src/cli/explain.ts";
import type { Explanation } from "../../src/cli/explain-facts.ts";
import { headOf, readAsked } from "../../src/cli/explain-request.ts";
import { check } from "../../src/config/check.ts";
import { loadText } from "../../src/config/load.ts";
import { problemLine } from "../../src/config/problems.ts";
import { vocabulary } from "../../src/features/index.ts";
import { EXAMPLE_ID, EXAMPLE_PSEUDONYM } from "../../src/server/dry-run.ts";
import type { Origin } from "../support/origin.ts";
import type { AccessLine, StartedProxy } from "../support/proxy.ts";
import { type Scenario, scenario } from "../support/scenario.ts";
import { Seeded } from "../support/seeded.ts";

const SEED = Number(process.env["SLUICE_SEED"] ?? 1);
const CONFIG_COUNT = 10;
const REQUEST_COUNT = 50; // of each config
const UPSTREAMS = ["a", "b", "c"] as const;

scenario(
  "explain names the route and the upstream that the proxy uses, and every byte that it sends",
  async (it) => {
    const chance = new Seeded(SEED);
    const origins = await Promise.all(
      UPSTREAMS.map((name) =>
        it.origin(`HTTP/1.1 200 OK\r\nx-upstream: ${name}\r\ncontent-length: 2\r\n\r\nok`),
      ),
    );
    const kinds = new Map<string, number>();
    for (let number = 0; number < CONFIG_COUNT; number++) {
      const text = JSON.stringify(randomConfig(chance, origins));
      const proxy = await it.proxy(text);
      const pairs: { about: string; told: Explanation; done: Done }[] = [];
      for (let count = 0; count < REQUEST_COUNT; count++) {
        const args = randomArgs(chance, proxy.port);
        const about = `seed ${SEED}: ${text}\n${JSON.stringify(args)}`;
        const told = await explained(text, args);
        pairs.push({ about, told, done: await sent(it, proxy, origins, args) });
        kinds.set(told.outcome.kind, (kinds.get(told.outcome.kind) ?? 0) + 1);
      }
      const lines = await proxy.accessLines(REQUEST_COUNT);
      for (const [index, { about, told, done }] of pairs.entries()) {
        assertSameBytes(told, done, about);
        assertSameNames(told, lines[index]!, about);
      }
      await proxy.stop();
    }

    for (const kind of ["forward", "redirect", "respond", "fault"]) {
      assert.ok(
        (kinds.get(kind) ?? 0) >= 10,
        `enough of each kind, had ${JSON.stringify([...kinds])}`,
      );
    }
  },
  { timeoutMs: 60_000 },
);

async function explained(text: string, args: readonly string[]): Promise<Explanation> {
  const { config, problems } = check(loadText(text, "sluice.yaml"), vocabulary);
  assert.deepEqual(problems.map(problemLine), [], text);
  return explanation(config!, readAsked(args));
}

interface Done {
  readonly heads: readonly string[]; // what the origins got, with whose it was
  readonly response: string; // what the client got
}

async function sent(
  it: Scenario,
  proxy: StartedProxy,
  origins: readonly Origin[],
  args: readonly string[],
): Promise<Done> {
  const before = origins.map(({ received }) => received.length);
  const asked = readAsked(args);
  const client = await it.connect(proxy.port);
  client.send(Buffer.concat([headOf(asked), bodyFor(asked.fields)]));
  await client.readResponse(asked.method);
  client.close();
  const heads = origins.flatMap(({ received }, index) =>
    received.slice(before[index]).map(({ head }) => `${UPSTREAMS[index]}\n${plain(head)}`),
  );
  return { heads, response: plain(client.text) };
}

/** The body that the fields announce; one without a length is empty, as explain knows of no bytes. */
function bodyFor(fields: readonly string[]): Buffer {
  const all = fields.join("\n");
  if (/^transfer-encoding: chunked$/m.test(all)) return Buffer.from("0\r\n\r\n");
  return Buffer.from("abc".repeat(Number(/^content-length: (\d+)$/m.exec(all)?.[1] ?? 0) / 3));
}

/** Ids and the name in Via are other each time. */
function plain(text: string): string {
  return text
    .replaceAll(/\b[0-9a-f]{32}\b/g, EXAMPLE_ID)
    .replaceAll(/\bsluice-[0-9a-f]{8}\b/g, EXAMPLE_PSEUDONYM);
}

function assertSameNames(told: Explanation, line: AccessLine, about: string): void {
  const { routes, site, client, outcome } = told;
  assert.deepEqual(
    {
      site: site?.name,
      route: routes?.find(({ isMatch }) => isMatch)?.name,
      upstream: outcome.kind === "forward" ? outcome.upstream : undefined,
      fault: outcome.kind === "fault" ? outcome.code : undefined,
      client: client?.address,
    },
    {
      site: line["site"],
      route: line["route"],
      upstream: line["upstream"],
      fault: line["fault"],
      client: line["client"],
    },
    about,
  );
}

function assertSameBytes({ outcome }: Explanation, done: Done, about: string): void {
  if (outcome.kind === "forward") {
    assert.deepEqual(done.heads, [`${outcome.upstream}\n${outcome.head}`], about);
    return;
  }
  assert.deepEqual(done.heads, [], `no origin is asked; ${about}`);
  const reply = outcome.kind === "fault" ? outcome.reply : outcome;
  assert.ok(reply !== undefined && "head" in reply, about);
  assert.equal(done.response, reply.head + reply.body, about);
}

// --- chance -----------------------------------------------------------------------------------

const PATHS = [
  "/",
  "/a",
  "/a/*",
  "/a/b",
  "/users/:id",
  "/users/:id/*",
  "~^/v[0-9]+/(?<rest>.*)$",
  "/a/b/*",
];
const HOSTS = ["a.test", "b.test", "*.w.test", "*.x.w.test", "*", "[::1]", "127.0.0.1"];

function some<T>(chance: Seeded, make: () => T): T | undefined {
  return chance.chance(3) ? make() : undefined;
}

function randomConfig(chance: Seeded, origins: readonly Origin[]): object {
  const hosts = HOSTS.filter(() => chance.chance(2));
  const sites = hosts.length === 0 || chance.chance(2) ? [...new Set([...hosts, "*"])] : hosts;
  return {
    admin: "off",
    trust: some(chance, () => ({ proxies: ["127.0.0.0/8", "10.0.0.0/8"] })),
    via: some(chance, () => chance.of(["off", { pseudonym: "gate" }])),
    forwarded: some(chance, () => true),
    limits: some(chance, () => ({ bodyBytes: chance.of([1, "1KiB"]), headerCount: 6 })),
    upstreams: Object.fromEntries(
      origins.map(({ url }, index) => [UPSTREAMS[index], { endpoints: [url] }]),
    ),
    sites: sites.map((host) => ({
      hosts: [host],
      listen: ["127.0.0.1:0"],
      paths: some(chance, () => ({
        slashes: chance.of(["merge", "keep"]),
        encodedSlashes: chance.of(["keep", "reject"]),
      })),
      routes: Array.from({ length: 1 + chance.below(chance.chance(3) ? 14 : 4) }, () =>
        randomRoute(chance),
      ),
    })),
  };
}

function randomRoute(chance: Seeded): object {
  const path = chance.chance(3) ? undefined : chance.of(PATHS);
  return {
    match: { path, ...(chance.chance(3) ? randomMatch(chance) : {}) },
    rewrite: some(chance, () =>
      chance.of([
        { stripPrefix: "/a" },
        { addPrefix: "/pre" },
        { path: "/to{path}", query: "q={query.x}" },
      ]),
    ),
    ...chance.of([
      { forward: chance.of(UPSTREAMS) },
      { forward: chance.of(UPSTREAMS), retry: { attempts: 2, replayBody: true } },
      { redirect: chance.of(["/new{path}", { to: "https://b.test{target}", status: 302 }]) },
      { respond: chance.of([204, "plain", { status: 410, body: "{method} {path} {clientIp}" }]) },
    ]),
  };
}

function randomMatch(chance: Seeded): object {
  return {
    method: some(chance, () => ["GET", "POST"]),
    header: some(chance, () => ({ "x-version": chance.of(["2", "*", "~^[0-9]+$"]) })),
    query: some(chance, () => ({ x: chance.of(["1", "*"]) })),
    cookie: some(chance, () => ({ beta: "1" })),
    scheme: some(chance, () => chance.of(["http", "https"])),
    clientIp: some(chance, () => chance.of(["127.0.0.0/8", "203.0.113.0/24"])),
    not: some(chance, () => ({ path: chance.of(PATHS) })),
    any: some(chance, () => [{ method: "DELETE" }, { path: chance.of(PATHS) }]),
  };
}

// Usual ones first: what is odd is mostly refused, and would leave little to compare.
// biome-ignore format: a table
const REQUEST = {
  methods: [["GET", "POST", "HEAD", "DELETE"], ["OPTIONS", "get", "G(T", "TRACE"]],
  hosts: [
    ["a.test", "b.test", "y.w.test", "deep.x.w.test", "127.0.0.1"],
    ["B.Test.", "other.test", "[::1]", "a..test", "a_b.test"],
  ],
  paths: [
    ["", "/", "/a", "/a/b", "/a/b/c", "/users/7", "/users/7/x", "/v1/things", "/a//b", "/a/./b/../c", "/%61/b", "/a|b"],
    ["/a%2fb", "/a/%2e%2e/%2e%2e/x", "/a\\b", "/ü", "/a b", "/nowhere"],
  ],
  queries: [["", "?x=1", "?x=2&y"], ["?", "?a=//b/../c", "?a=\\"]],
  fields: [
    [
      "x-version: 2", "X-Version: 3", "x-version:2 ", "cookie: beta=1; a=b", "x-forwarded-for: 203.0.113.9, 10.0.0.7",
      "x-forwarded-proto: https", "x-forwarded-host: else.test", "x-request-id: given-1", "forwarded: for=203.0.113.9",
      "x-real-ip: 1.2.3.4", "te: trailers", "accept: application/json", "accept: text/html", "content-length: 3",
    ],
    [
      "transfer-encoding: chunked", "x-forwarded-for: nobody", "x_forwarded_for: 1.2.3.4", "connection: close, x-version",
      "via: 1.1 gate", "bad field", "x-bin: \u00e9", "host: b.test",
    ],
  ],
} as const;

function usual<T>(chance: Seeded, [common, odd]: readonly [readonly T[], readonly T[]]): T {
  return chance.of(chance.chance(8) ? odd : common);
}

function randomArgs(chance: Seeded, port: number): string[] {
  const { methods, hosts, paths, queries, fields } = REQUEST;
  const url = `http://${usual(chance, hosts)}:${port}${usual(chance, paths)}${usual(chance, queries)}`;
  const lines = Array.from({ length: chance.below(5) }, () => usual(chance, fields));
  return [usual(chance, methods), url, ...lines.flatMap((line) => ["-H", line])];
}
