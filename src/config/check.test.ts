import assert from "node:assert/strict";
import { test } from "node:test";
import { testVocabulary } from "../../test/support/vocabulary.ts";
import type { Feature } from "../core/feature.ts";
import { z } from "../core/fields.ts";
import { DNS } from "../upstream/discovery/dns-settings.ts";
import { PASSIVE } from "../upstream/health/passive-check.ts";
import { check } from "./check.ts";
import { settledLevels } from "./config.ts";
import { loadText, loadValue } from "./load.ts";
import { problemLine } from "./problems.ts";

function checked(text: string, env: Readonly<Record<string, string>> = {}) {
  return check(loadText(text, "sluice.yaml", { env, folder: "/etc/sluice" }), testVocabulary);
}

const SMALLEST = `
  upstreams: { web: App.internal:3000 }
  sites: [{ hosts: A.test, routes: [{ forward: web }] }]`;

const UNSET = { limits: {}, timeouts: {}, rates: {} };

test("check: the smallest config comes out with every default of the process", () => {
  const { config, problems, warnings } = checked(SMALLEST);

  const { upstreams, sites, ...rest } = config!;
  assert.deepEqual([problems, warnings], [[], []]);
  assert.deepEqual([upstreams.size, sites.length], [1, 1]);
  assert.deepEqual(rest, {
    workers: undefined,
    watchdogMs: 5_000,
    watch: false,
    trustedProxies: [],
    state: "memory",
    bans: undefined,
    shed: undefined,
    cacheMemoryBytes: 268_435_456,
    admin: { address: { host: "127.0.0.1", port: 2080 }, token: undefined },
    log: { access: "stdout", format: "json", level: "info" },
    dns: DNS,
    acme: {
      storage: undefined,
      authorities: [
        {
          name: "acme-v02.api.letsencrypt.org",
          directory: "https://acme-v02.api.letsencrypt.org/directory",
          ...{ roots: undefined, email: undefined, external: undefined, profile: undefined },
        },
      ],
      challenges: ["http-01", "tls-alpn-01"],
      keyType: "p256",
      mustStaple: false,
      ...{ dns: undefined, onDemand: undefined, isSelfSignedMeanwhile: false },
    },
    geo: undefined,
    isStapling: true,
    via: { kind: "on", pseudonym: undefined },
    forwarded: false,
    errors: undefined,
    ...UNSET,
    listeners: [
      {
        ...{ key: "0.0.0.0:80", address: { host: "0.0.0.0", port: 80 }, ...UNSET },
        isTls: false,
        protocols: ["h1", "h2"],
        proxiesFrom: undefined,
      },
    ],
    streamListeners: [],
  });
});

test("check: a short upstream is written out", () => {
  const { config } = checked(SMALLEST);

  assert.deepEqual(config!.upstreams.get("web"), {
    name: "web",
    at: ["upstreams", "web"],
    endpoints: [
      {
        name: "app.internal:3000",
        address: { host: "app.internal", port: 3000 },
        scheme: "http",
        weight: 1,
        backup: false,
        priority: 0,
        zone: "",
        maxRequests: undefined,
        discover: undefined,
      },
    ],
    balance: { by: "leastRequest", key: undefined, bound: 1.25 },
    fallback: { overprovision: 1.4, panicBelow: 0, preferredZone: "" },
    slowStartMs: 0,
    maxRequests: Number.POSITIVE_INFINITY,
    lines: {
      queue: { max: 100, timeoutMs: 5_000, perSecond: Number.POSITIVE_INFINITY },
      parking: undefined,
    },
    sticky: undefined,
    maxIdle: 256,
    proxyProtocol: undefined,
    tls: {
      serverName: undefined,
      speaks: ["h2", "h1"],
      identity: { ca: [], cert: undefined, key: undefined, verify: true, minVersion: "1.2" },
    },
    limits: {},
    timeouts: {},
    passive: PASSIVE,
    active: undefined,
    breaker: undefined,
    concurrency: undefined,
  });
});

test("check: a short site and its route are written out", () => {
  const { config } = checked(SMALLEST);

  const { routes, ...site } = config!.sites[0]!;
  assert.deepEqual(site, {
    name: "a.test",
    at: ["sites", 0],
    hosts: ["a.test"],
    listen: ["0.0.0.0:80"],
    tls: undefined,
    paths: { slashes: "merge", encodedSlashes: "keep" },
    errors: undefined,
    ...UNSET,
  });
  const budget = { percent: 20, min: 3 };
  const sides = [{ upstream: "web", weight: 1 }];
  const forward = { sides, failover: [], spills: true, sticky: undefined };
  assert.deepEqual(routes, [
    {
      name: "a.test#1",
      at: ["sites", 0, "routes", 0],
      match: undefined,
      handler: { key: "forward", options: forward },
      filters: [],
      retry: {
        attempts: 3,
        on: ["connect", "reused"],
        statuses: [],
        budget,
        replayBody: false,
        idempotencyKey: true,
        perTry: Number.POSITIVE_INFINITY,
      },
      hedge: undefined,
      mirror: undefined,
      errors: undefined,
      ...UNSET,
    },
  ]);
});

test("check: a site overrides a default whole, and a route the site", () => {
  const { config, problems } = checked(`
    upstreams: { web: 10.0.0.1:80 }
    defaults:
      retry: { attempts: 5, replayBody: true }
      rewrite: { addPrefix: /d }
      errors: { reasonHeader: true }
    sites:
      - hosts: [a.test]
        retry: { budget: { min: 9 } }
        routes:
          - { match: { path: /1 }, forward: web }
          - match: { path: /2 }
            forward: web
            retry: { on: [reset] }
            rewrite: { stripPrefix: /r }
          - { match: { path: /3 }, forward: web, retry: off, rewrite: off, errors: {} }
      - { hosts: [b.test], routes: [{ forward: web }] }
  `);

  assert.deepEqual(problems, []);
  const routes = config!.sites.flatMap((site) => site.routes);
  assert.deepEqual(
    routes.map(
      ({ retry }) => retry && [retry.attempts, retry.on.join(), retry.budget.min, retry.replayBody],
    ),
    [
      [3, "connect,reused,reset,malformed", 9, false],
      [3, "reset", 3, false],
      undefined,
      [5, "connect,reused,reset,malformed", 3, true],
    ],
  );
  assert.deepEqual(
    routes.map(({ filters }) => filters),
    [
      [{ key: "rewrite", options: { addPrefix: "/d" }, level: "all" }],
      [{ key: "rewrite", options: { stripPrefix: "/r" }, level: "route" }],
      [],
      [{ key: "rewrite", options: { addPrefix: "/d" }, level: "all" }],
    ],
  );
  assert.deepEqual(
    routes.map(({ errors }) => errors),
    [{ reasonHeader: true }, { reasonHeader: true }, {}, { reasonHeader: true }],
  );
  assert.deepEqual(config!.errors, { reasonHeader: true });
});

test("check: numbers are settled one by one, the nearest level wins", () => {
  const { config, problems, warnings } = checked(`
    limits: { bodyBytes: 1MiB, headerCount: 50 }
    timeouts: { write: off }
    rates: { minimum: off }
    listeners: { ":80": { limits: { headerCount: 60 } } }
    upstreams: { web: { endpoints: 10.0.0.1:80, timeouts: { connect: 1s } } }
    sites:
      - hosts: [a.test]
        limits: { bodyBytes: off }
        routes: [{ forward: web, timeouts: { write: 5s }, rates: { grace: 1s } }]
  `);

  assert.deepEqual([problems, warnings], [[], []]);
  const { listeners, sites, upstreams } = config!;
  const settled = settledLevels(config!, listeners[0]!, sites[0]!, sites[0]!.routes[0]!);
  assert.equal(settled.limits.bodyBytes, Number.POSITIVE_INFINITY);
  assert.equal(settled.limits.headerCount, 60);
  assert.equal(settled.limits.trailerCount, 32);
  assert.equal(settled.timeouts.write, 5000);
  assert.deepEqual(settled.rates, { minBytesPerSecond: 0, graceMs: 1000 });
  assert.deepEqual(upstreams.get("web")?.timeouts, { connect: 1000 });
});

test("check: a log file and a listener come out as addresses of this machine", () => {
  const { config } = checked(`
    log: { access: ./access.log }
    admin: off
    sites:
      - hosts: ["*", "::1"]
        listen: ["unix:/run/s.sock", "[0::1]:81", "[::1]:81"]
        routes: [{ respond: 204 }]
  `);

  assert.deepEqual(config?.log.access, { file: "/etc/sluice/access.log" });
  assert.equal(config?.admin, undefined);
  assert.deepEqual(config?.sites[0]?.listen, ["unix:/run/s.sock", "[::1]:81"]);
  assert.deepEqual(config?.sites[0]?.hosts, ["*", "[::1]"]);
  assert.deepEqual(
    config?.listeners.map(({ address }) => address),
    [
      { host: "/run/s.sock", port: 0 },
      { host: "::1", port: 81 },
    ],
  );
});

test("check: keys that are there but undefined, as code writes them, are as if absent", () => {
  const value = {
    limits: { bodyBytes: undefined },
    upstreams: { web: { endpoints: "a:80", balance: undefined, timeouts: { connect: undefined } } },
    defaults: { retry: undefined },
    sites: [
      {
        hosts: "a",
        retry: undefined,
        routes: [{ match: undefined, name: undefined, forward: "web" }],
      },
    ],
  };

  const { config, problems } = check(loadValue(value, "config"), testVocabulary);

  assert.deepEqual(problems, []);
  assert.equal(config!.sites[0]!.routes[0]!.name, "a#1");
  assert.equal(settledLevels(config!).limits.bodyBytes, Number.POSITIVE_INFINITY);
});

test("check: a variable stands for a number or a boolean only where one is wanted", () => {
  const text = (weight: string) => `
    upstreams: { web: [{ url: "a:80", weight: "${weight}", backup: "\${B}" }, "b:80"] }
    sites: [{ hosts: [a.test], routes: [{ match: { path: "\${N}" }, forward: web }] }]`;

  const { config, problems } = checked(text("${N}"), { N: "7", B: "false" });
  const mixed = checked(text("1${N}"), { N: "7", B: "false" });

  assert.deepEqual(problems, []);
  assert.equal(config!.upstreams.get("web")!.endpoints[0]!.weight, 7);
  assert.deepEqual(config!.sites[0]!.routes[0]!.match, { path: "7" });
  assert.deepEqual(mixed.problems.map(problemLine), [
    "sluice.yaml:2:47: Cannot use upstreams.web[0].weight: must be a whole number from 0 to 10000, got 1${N}",
  ]);
});

test("check: what came from the environment is in no message", () => {
  const secret = "hunter2-hunter2-hunter2";
  const places = [
    "admin: { token: 1, listen: '${S}' }",
    "log: { access: '${S}', format: '${S}', level: 'x${S}' }",
    "state: '${S}'",
    "workers: '${S}'",
    "via: '${S}'",
    "trust: { proxies: ['${S}'] }",
    "timeouts: { connect: '${S}' }",
    "limits: { bodyBytes: '${S}', headerBytes: '${S}' }",
    "rates: { minimum: '${S}' }",
    "upstreams: { a: '${S}', b: ['${S}'], c: { endpoints: 'https://${S}', balance: '${S}' } }",
    "sites: [{ hosts: ['${S}!'], listen: '${S}', routes: [{ forward: '${S}', name: '${S} ' }] }]",
  ];

  const { problems } = checked(places.join("\n"), { S: secret });

  assert.ok(problems.length >= 18, problems.map(problemLine).join("\n"));
  assert.doesNotMatch(JSON.stringify(problems), /hunter2/);
});

test("check: a TypeScript config has its problems by path, and functions are not supported yet", () => {
  const value = {
    sites: [{ hosts: ["*"], routes: [{ handler: () => new Response("hi") }, { forward: "web" }] }],
  };

  const { problems } = check(loadValue(value, "sluice.config.ts"), testVocabulary);

  assert.deepEqual(problems.map(problemLine), [
    "sluice.config.ts:sites[0].routes[0].handler: Cannot use handler: handler is not supported yet",
    'sluice.config.ts:sites[0].routes[1].forward: Cannot use forward: must be one of the upstreams (there are none), got "web"',
  ]);
});

test("check: a feature that has a key of a later release takes its place", () => {
  const tunnel: Feature<boolean> = {
    name: "tunnel",
    kind: "handler",
    about: "Goes through.",
    schema: z.boolean(),
    build: () => ({ kind: "tunnel", handle: () => undefined }),
  };
  const vocabulary = { ...testVocabulary, features: [...testVocabulary.features, tunnel] };
  const text = "sites: [{ hosts: [a.test], routes: [{ tunnel: true }] }]";

  const { config, problems } = check(loadText(text, "x.yaml"), vocabulary);

  assert.deepEqual(problems, []);
  assert.deepEqual(config!.sites[0]!.routes[0]!.handler, { key: "tunnel", options: true });
});

test("check: a schema without words of its own still answers in our grammar", () => {
  const schema = z.object({
    count: z.number().min(2).max(4),
    text: z.string().min(2),
    list: z.array(z.boolean()).max(1),
    form: z.string().regex(/^a+$/),
    mode: z.enum(["strict", "loose"]),
    either: z.union([z.string(), z.array(z.string())]),
    kind: z.discriminatedUnion("kind", [
      z.object({ kind: z.literal("a") }),
      z.object({ kind: z.literal("b") }),
    ]),
  });
  const plain: Feature<unknown> = {
    ...{ name: "plain", kind: "filter", about: "Plain.", schema },
    build: () => ({ name: "plain" }),
  };
  const text = `sites: [{ hosts: [a.test], routes: [{ respond: 204, plain:
    { count: 9, text: x, list: [true, false], form: b, mode: stric, either: 4, kind: { kind: c } } }] }]`;

  const { problems } = check(loadText(text, "x.yaml"), {
    ...testVocabulary,
    features: [...testVocabulary.features, plain],
  });

  assert.deepEqual(
    problems.map(({ message }) => message),
    [
      "Cannot use plain.count: must be at most 4, got 9",
      'Cannot use plain.text: must be text of at least 2 characters, got "x"',
      "Cannot use plain.list: must be a list of at most 1, got a list",
      'Cannot use plain.form: must be text of the form /^a+$/, got "b"',
      'Cannot use plain.mode: must be strict or loose, got "stric"; did you mean strict?',
      "Cannot use plain.either: must be text or a list, got 4",
      'Cannot use plain.kind.kind: must be a or b, got "c"',
    ],
  );
});
