/** What an upstream and a split promise, through a whole proxy from a config. */
import assert from "node:assert/strict";
import { eventually } from "../support/deadline.ts";
import { faultOf, firstStatus, GET, OK, type Scenario, scenario } from "../support/scenario.ts";

const named = (name: string) => `HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\n${name}`;

async function three(it: Scenario) {
  return [await it.origin(named("a")), await it.origin(named("b")), await it.origin(named("c"))];
}

function getWith(...lines: string[]): string {
  return `GET / HTTP/1.1\r\nhost: a.test\r\n${lines.map((line) => `${line}\r\n`).join("")}\r\n`;
}

function cookieIn(answer: string, name: string): string {
  const [, value = ""] = new RegExp(`^set-cookie: ${name}=([^;\r]*)`, "im").exec(answer) ?? [];
  return value;
}

scenario("a hash keeps a header's value on one endpoint", async (it) => {
  const origins = await three(it);
  await it.proxy(`
    upstreams: { app: { endpoints: [${origins.map(({ url }) => url)}], balance: { hash: { header: x-user } } } }
    sites: [{ hosts: ["*"], routes: [{ forward: app }] }]
  `);

  const places = new Set<string>();
  for (let user = 0; user < 12; user++) {
    const answers = [];
    for (let count = 0; count < 3; count++)
      answers.push(await it.client(getWith(`x-user: ${user}`)));
    const by = new Set(answers.map((answer) => answer.at(-1)));
    assert.equal(by.size, 1);
    places.add([...by].join());
  }

  assert.ok(places.size > 1, "not all at one");
});

scenario("a sticky cookie brings a client back, with the attributes asked for", async (it) => {
  const origins = await three(it);
  await it.proxy(`
    upstreams:
      app:
        endpoints: [${origins.map(({ url }) => url)}]
        balance: roundRobin
        sticky: { cookie: at, ttl: 1h, path: /, sameSite: strict }
    sites: [{ hosts: ["*"], routes: [{ forward: app }] }]
  `);

  const first = await it.client(GET);
  const value = cookieIn(first, "at");
  const next = await Promise.all(
    Array.from({ length: 5 }, () => it.client(getWith(`cookie: at=${value}`))),
  );

  assert.match(
    first,
    /^set-cookie: at=[\w-]{22}; Path=\/; Max-Age=3600; HttpOnly; SameSite=Strict\r$/im,
  );
  for (const answer of next) {
    assert.equal(answer.at(-1), first.at(-1));
    assert.doesNotMatch(answer, /set-cookie/i);
  }
});

scenario("a split keeps a client on its side by a cookie of its own", async (it) => {
  const [a, b] = await three(it);
  await it.proxy(`
    upstreams: { v1: ${a!.url}, v2: ${b!.url} }
    sites: [{ hosts: ["*"], routes: [{ forward: { split: { v1: 50, v2: 50 }, sticky: cookie } }] }]
  `);

  const sides = new Set<string>();
  for (let client = 0; client < 12; client++) {
    const first = await it.client(GET);
    const cookie = cookieIn(first, "sluice_split");
    assert.match(cookie, /^[0-9a-f]{16}$/);
    sides.add(first.at(-1)!);
    for (let count = 0; count < 3; count++) {
      const next = await it.client(getWith(`cookie: sluice_split=${cookie}`));
      assert.equal(next.at(-1), first.at(-1));
      assert.doesNotMatch(next, /set-cookie/i);
    }
  }

  assert.deepEqual([...sides].sort(), ["a", "b"]);
});

scenario("a split by address keeps a client without a cookie", async (it) => {
  const [a, b] = await three(it);
  await it.proxy(`
    upstreams: { v1: ${a!.url}, v2: ${b!.url} }
    sites: [{ hosts: ["*"], routes: [{ forward: { split: { v1: 50, v2: 50 }, sticky: clientIp } }] }]
  `);

  const answers = [];
  for (let count = 0; count < 8; count++) answers.push(await it.client(GET));

  assert.equal(new Set(answers.map((answer) => answer.at(-1))).size, 1);
  assert.doesNotMatch(answers.join(""), /set-cookie/i);
});

scenario("failover: another upstream serves when the first refuses", async (it) => {
  const [a, b] = await three(it);
  a!.refuse();
  const proxy = await it.proxy(`
    upstreams: { api: ${a!.url}, dr: ${b!.url} }
    sites: [{ hosts: ["*"], routes: [{ forward: { to: api, failover: dr } }] }]
  `);

  const answer = await it.client(GET);

  assert.equal(answer.at(-1), "b");
  const [line] = await proxy.accessLines(1);
  assert.equal(line!["upstream"], "dr");
  assert.equal(line!["attempts"], 2);
});

scenario("maxRequests: who finds no place waits, and who may not wait is told", async (it) => {
  let release = () => {};
  const gate = new Promise<void>((resolve) => {
    release = resolve;
  });
  const origin = await it.origin(async () => {
    await gate;
    return OK;
  });
  const proxy = await it.proxy(`
    upstreams: { app: { endpoints: ${origin.url}, maxRequests: 1, queue: { max: 1, timeout: 20s } } }
    sites: [{ hosts: ["*"], routes: [{ forward: app }] }]
  `);

  const first = it.client(GET);
  await eventually(
    () => (origin.received.length === 1 ? true : undefined),
    () => "a request at the origin",
  );
  const second = it.client(GET);
  await eventually(
    async () => ((await proxy.metrics()).includes('for="place"} 1') ? true : undefined),
    () => "a request in the line",
  );
  const third = await it.client(GET);

  assert.equal(firstStatus(third), 503);
  assert.match(third, /^retry-after: 1\r$/im);
  assert.equal(await faultOf(proxy), "queue_full");
  assert.equal(origin.received.length, 1);
  release();
  assert.equal(firstStatus(await first), 200);
  assert.equal(firstStatus(await second), 200);
  assert.equal(origin.connections.length, 1, "the line goes on over the same connection");
});

scenario("concurrency: workers have one limit, and who finds no place is told", async (it) => {
  let release = () => {};
  const gate = new Promise<void>((resolve) => {
    release = resolve;
  });
  const origin = await it.origin(async () => {
    await gate;
    return OK;
  });
  const proxy = await it.proxyHere(`
    workers: 3
    upstreams: { app: { endpoints: ${origin.url}, concurrency: { min: 1, max: 1 }, queue: off } }
    sites: [{ hosts: ["*"], routes: [{ forward: app }] }]
  `);

  const first = it.client(GET);
  await eventually(
    () => (origin.received.length === 1 ? true : undefined),
    () => "a request at the origin",
  );
  const others = await Promise.all(Array.from({ length: 12 }, () => it.client(GET)));

  for (const answer of others) {
    assert.equal(firstStatus(answer), 503);
    assert.match(answer, /^retry-after: 1\r$/im);
  }
  assert.equal(await faultOf(proxy), "concurrency_limit");
  assert.equal(origin.received.length, 1);
  const series = `{upstream="app",endpoint="${origin.url.replace("http://", "")}"}`;
  assert.equal(await proxy.metric(`sluice_concurrency_unanswered${series}`), 1);
  assert.equal(await proxy.metric(`sluice_concurrency_limit${series}`), 1);
  release();
  assert.equal(firstStatus(await first), 200);
  assert.equal(await proxy.metric(`sluice_concurrency_unanswered${series}`), 0);
});

scenario("mirror: the copy has the same head and body, and its answer goes nowhere", async (it) => {
  const origin = await it.origin(named("a"));
  const shadow = await it.origin("HTTP/1.1 500 No\r\ncontent-length: 6\r\n\r\nshadow");
  const proxy = await it.proxy(`
    upstreams: { app: ${origin.url}, shadow: ${shadow.url} }
    sites: [{ hosts: ["*"], routes: [{ forward: app, mirror: shadow }] }]
  `);

  const answer = await it.client(
    "POST /x?y HTTP/1.1\r\nhost: a.test\r\ncontent-length: 5\r\nx-own: 1\r\n\r\nhello",
  );
  await eventually(
    async () => ((await proxy.metrics()).includes('result="answered"} 1') ? true : undefined),
    () => "an answered copy",
  );

  assert.equal(answer.at(-1), "a");
  assert.equal(shadow.received[0]!.head, origin.received[0]!.head);
  assert.equal(shadow.received[0]!.body, "hello");
});
