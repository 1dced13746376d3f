import assert from "node:assert/strict";
import { test } from "node:test";
import { toolsWith } from "../../../test/support/build-tools.ts";
import { exchangeOf, requestOf } from "../../../test/support/exchange-of.ts";
import { SimClock } from "../../../test/support/sim-clock.ts";
import type { Log } from "../../base/world.ts";
import type { Exchange } from "../../core/exchange.ts";
import type { BuildTools } from "../../core/feature.ts";
import type { Filter, Reply } from "../../core/filter.ts";
import type { Identity } from "../../core/identity.ts";
import { HeaderList } from "../../protocol/http/header-list.ts";
import { rateLimit } from "./rate-limit.ts";

interface Told {
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>> | undefined;
}

/** Routes of one proxy, which find each other's counts as its routes do. */
class Stage {
  readonly clock = new SimClock();
  readonly warned: Told[] = [];
  readonly #kept = new Map<string, unknown>();

  route(options: unknown, tools: Partial<BuildTools> = {}): Filter {
    const log: Log = {
      info: () => {},
      warn: (message, fields) => this.warned.push({ message, fields }),
    };
    const given = toolsWith({
      world: { clock: this.clock, log, random: { below: () => 0 } },
      keepForAll: <T>(key: string, make: () => T) => {
        if (!this.#kept.has(key)) this.#kept.set(key, make());
        return this.#kept.get(key) as T;
      },
      ...tools,
    });
    return rateLimit.build(rateLimit.schema.parse(options), given);
  }
}

interface Asked {
  readonly line?: string;
  readonly from?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly identity?: Identity;
}

function exchange({ line = "GET /", from, headers, identity }: Asked = {}): Exchange {
  const made = exchangeOf({
    request: requestOf(line, headers),
    ...(from !== undefined && { clientIp: from }),
  });
  made.identity = identity;
  return made;
}

function statusesOf(filter: Filter, asked: readonly Asked[]): number[] {
  return asked.map((each) => pass(filter, exchange(each))?.status ?? 200);
}

function pass(filter: Filter, made: Exchange): Reply | undefined {
  return (filter.admit?.(made) ?? filter.identified?.(made)) as Reply | undefined;
}

const times = (count: number, asked: Asked = {}) => Array.from({ length: count }, () => asked);
const who = (name: string): Identity => ({ method: "jwt", name, claims: { sub: name, org: "o" } });

// biome-ignore format: a table
const rows: [name: string, options: unknown, asked: Asked[], want: number[]][] = [
  ["a rate alone lets so many pass at once", "2/s", times(3), [200, 200, 429]],
  ["burst says how many at once",      { rate: "2/s", burst: 1 }, times(2), [200, 429]],
  ["addresses count apart",            "1/s", [{ from: "10.0.0.1" }, { from: "10.0.0.2" }, { from: "10.0.0.1" }], [200, 200, 429]],
  ["a /64 of IPv6 counts as one",      "1/s", [{ from: "2001:db8::1" }, { from: "2001:db8::2" }, { from: "2001:db8:0:1::1" }], [200, 429, 200]],
  ["prefixes can be others",           { rate: "1/s", prefix: { ipv4: 24, ipv6: 48 } }, [{ from: "10.0.0.1" }, { from: "10.0.0.2" }, { from: "2001:db8:1::1" }, { from: "2001:db8:1:1::1" }], [200, 429, 200, 429]],
  ["by a header",                      { rate: "1/s", per: "{header.x-key}" }, [{ headers: { "x-key": "a" } }, { headers: { "x-key": "b" } }, { headers: { "x-key": "a" } }], [200, 200, 429]],
  ["without the header by address",    { rate: "1/s", per: "{header.x-key}" }, [{}, {}, { from: "10.0.0.9" }], [200, 429, 200]],
  ["without the header it may pass",   { rate: "1/s", per: "{header.x-key}", without: "pass" }, [{}, {}, { headers: { "x-key": "a" } }, { headers: { "x-key": "a" } }], [200, 200, 200, 429]],
  ["a header that looks like an address is no address", { rate: "1/s", per: "{header.x-key}" }, [{ headers: { "x-key": "192.0.2.7" } }, {}], [200, 200]],
  ["by address and path, with the prefix", { rate: "1/s", per: "{clientIp}|{path}" }, [{ line: "GET /a", from: "2001:db8::1" }, { line: "GET /b", from: "2001:db8::1" }, { line: "GET /a", from: "2001:db8::2" }], [200, 200, 429]],
  ["all together",                     { rate: "1/s", per: "all" }, [{ from: "10.0.0.1" }, { from: "10.0.0.2" }], [200, 429]],
  ["by identity",                      { rate: "1/s", per: "identity" }, [{ identity: who("ann") }, { identity: who("bob") }, { identity: who("ann"), from: "10.0.0.9" }], [200, 200, 429]],
  ["by a claim",                       { rate: "1/s", per: "{jwt.org}" }, [{ identity: who("ann") }, { identity: who("bob") }], [200, 429]],
  ["a cost",                           { rate: "10/s", cost: 4 }, times(3), [200, 200, 429]],
  ["a cost by method",                 { rate: "10/s", cost: { POST: 9, "*": 1 } }, [{ line: "POST /" }, {}, {}], [200, 200, 429]],
  ["a method that costs nothing",      { rate: "1/s", cost: { OPTIONS: 0 } }, [{ line: "OPTIONS /" }, { line: "OPTIONS /" }, {}, {}], [200, 200, 200, 429]],
  ["several, the tightest refuses",    [{ rate: "100/s" }, { rate: "2/h" }], times(3), [200, 200, 429]],
  ["warn lets all pass",               { rate: "1/s", mode: "warn" }, times(3), [200, 200, 200]],
];

for (const [name, options, asked, want] of rows) {
  test(`rateLimit: ${name}`, () => {
    assert.deepEqual(statusesOf(new Stage().route(options), asked), want);
  });
}

test("rateLimit: a refusal has its code, when to come back, and the fields of the draft", () => {
  const filter = new Stage().route({ rate: "6/m", burst: 1, name: "login" });
  const first = exchange();
  const second = exchange();

  pass(filter, first);
  const reply = pass(filter, second);

  assert.equal(second.fault?.code, "rate_limited");
  assert.equal(second.fault?.detail, "login");
  assert.equal(reply?.status, 429);
  assert.deepEqual(reply?.headers, {
    "retry-after": "10",
    ratelimit: '"login";r=0;t=10',
    "ratelimit-policy": '"login";q=6;w=60',
  });
});

test("rateLimit: fields off says when to come back and nothing else", () => {
  const filter = new Stage().route({ rate: "6/m", burst: 1, fields: "off" });

  pass(filter, exchange());
  const reply = pass(filter, exchange());

  assert.deepEqual(reply?.headers, { "retry-after": "10" });
});

test("rateLimit: fields always tells every response where it stands", () => {
  const filter = new Stage().route([
    { rate: "4/s", name: "burst", fields: "always" },
    { rate: "100/h", name: "hour", fields: "always" },
    { rate: "1000/d", name: "day" },
  ]);
  const made = exchange();
  const headers = HeaderList.of({ ratelimit: "of the upstream" });
  made.response = { status: 200, headers };

  pass(filter, made);
  filter.respond!(made);

  assert.equal(headers.get("ratelimit"), '"burst";r=3;t=1, "hour";r=99;t=36');
  assert.equal(headers.get("ratelimit-policy"), '"burst";q=4;w=1, "hour";q=100;w=3600');
});

test("rateLimit: warn notes the code and refuses nobody, and what was over is not counted", () => {
  const stage = new Stage();
  const filter = stage.route({ rate: "10/s", burst: 1, mode: "warn" });
  pass(filter, exchange());
  const over = exchange();

  for (let index = 0; index < 100; index++) pass(filter, exchange());
  pass(filter, over);

  assert.deepEqual(over.warned, ["rate_limited"]);
  assert.equal(over.fault, undefined);
});

test("rateLimit: who comes back when it was told to is let in", async () => {
  const stage = new Stage();
  const filter = stage.route({ rate: "6/m", burst: 1 });
  pass(filter, exchange());

  await stage.clock.advance(9_800);
  const early = pass(filter, exchange())?.status ?? 200;
  await stage.clock.advance(200);
  const due = pass(filter, exchange())?.status ?? 200;

  assert.deepEqual([early, due], [429, 200]);
});

test("rateLimit: what one limit refuses uses nothing of the others", () => {
  const stage = new Stage();
  const pair = stage.route([
    { rate: "3/h", name: "wide" },
    { rate: "1/h", name: "tight" },
  ]);
  const wide = stage.route({ rate: "3/h", name: "wide" });
  statusesOf(pair, times(50));

  assert.deepEqual(statusesOf(wide, times(3)), [200, 200, 429]);
});

test("rateLimit: limits of one name count together, those of none apart", () => {
  const stage = new Stage();
  const named = { rate: "1/h", name: "api" };

  const one = stage.route(named, { place: "a.test#1" });
  const other = stage.route(named, { place: "b.test#1", site: "b.test" });
  const plain = stage.route({ rate: "1/h" }, { place: "a.test#3" });
  const next = stage.route({ rate: "1/h" }, { place: "a.test#4" });

  assert.deepEqual(statusesOf(one, [{}]), [200]);
  assert.deepEqual(statusesOf(other, [{}]), [429]);
  assert.deepEqual(statusesOf(plain, [{}]), [200]);
  assert.deepEqual(statusesOf(next, [{}]), [200]);
});

// biome-ignore format: a table
const scopes: [scope: string | undefined, level: BuildTools["level"], name: string | undefined, want: string][] = [
  [undefined, "route", undefined, "200 200 200"],
  [undefined, "site",  undefined, "429 200 200"],
  [undefined, "all",   undefined, "429 429 200"],
  ["site",    "route", undefined, "429 200 200"],
  ["all",     "route", undefined, "429 429 200"],
  ["route",   "all",   undefined, "200 200 200"],
  ["route",   "route", "api",     "200 200 200"],
  ["site",    "all",   "api",     "429 200 200"],
];

for (const [scope, level, name, want] of scopes) {
  test(`rateLimit: written on ${level}, scope ${scope}, name ${name}: another route of the site, of another site, another limit: ${want}`, () => {
    const stage = new Stage();
    const options = { rate: "1/h", scope, name };
    statusesOf(stage.route(options, { level, place: "a.test#1" }), [{}]);

    const got = [
      statusesOf(stage.route(options, { level, place: "a.test#2" }), [{}]),
      statusesOf(stage.route(options, { level, place: "b.test#1", site: "b.test" }), [{}]),
      statusesOf(stage.route({ ...options, name: "other" }, { level, place: "a.test#1" }), [{}]),
    ];

    assert.equal(got.join(" "), want);
  });
}

test("rateLimit: by who somebody is comes after every admit, all else within", () => {
  const stage = new Stage();
  const steps = (options: unknown) => {
    const { admit, identified } = stage.route(options);
    return [admit !== undefined, identified !== undefined];
  };

  assert.deepEqual(steps("1/s"), [true, false]);
  assert.deepEqual(steps({ rate: "1/s", per: "{header.authorization}" }), [true, false]);
  assert.deepEqual(steps({ rate: "1/s", per: "identity" }), [false, true]);
  assert.deepEqual(steps({ rate: "1/s", per: "{clientIp}|{jwt.sub}" }), [false, true]);
  assert.deepEqual(
    steps(["1/s", "2/s"].map((rate, index) => ({ rate, per: index === 0 ? "all" : "identity" }))),
    [true, true],
  );
});

test("rateLimit: another burst goes on with the same counts, another rate begins anew", () => {
  const stage = new Stage();
  statusesOf(stage.route({ rate: "2/h" }), times(2));

  const sameRate = statusesOf(stage.route({ rate: "2/h", burst: 3 }), times(2));
  const otherRate = statusesOf(stage.route({ rate: "2/m" }), times(3));

  assert.deepEqual(sameRate, [200, 429]);
  assert.deepEqual(otherRate, [200, 200, 429]);
});

test("rateLimit: that keys are forgotten while they are limited is said, once a minute", async () => {
  const stage = new Stage();
  const filter = stage.route({ rate: "1/h", keysMax: 1024 });
  for (let index = 0; index < 20_000; index++) {
    pass(filter, exchange({ from: `10.${index >> 16}.${(index >> 8) & 255}.${index & 255}` }));
  }
  const last = { from: `10.0.${19_999 >> 8}.${19_999 & 255}` };

  statusesOf(filter, times(10, last));

  assert.deepEqual(
    stage.warned.map(({ message }) => message),
    ["a rate limit has more keys than keysMax"],
  );
  assert.ok(Number(stage.warned[0]!.fields!["forgotten"]) > 18_000);
});

test("rateLimit: explain says whose count a request uses", () => {
  const filter = new Stage().route([
    { rate: "100/s", name: "api" },
    { rate: "5/m", burst: 2, per: "{header.x-key}", without: "pass", cost: { POST: 2 } },
  ]);

  assert.deepEqual(filter.explain!(exchange({ line: "POST /", headers: { "x-key": "k" } })), [
    'api: 100/s, at most 100 at once, per clientIp; this request uses 1 of "192.0.2.7"',
    'default-2: 5/m, at most 2 at once, per {header.x-key}; this request uses 2 of "k"',
  ]);
  assert.deepEqual(
    filter.explain!(exchange()).at(1),
    "default-2: 5/m, at most 2 at once, per {header.x-key}; this request is not counted",
  );
});
