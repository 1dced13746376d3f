/** Answers that are as good as none: statuses, garbage, and those that take too long. */
import assert from "node:assert/strict";
import type { RetryCondition } from "../../src/upstream/retry-policy.ts";
import { answersOf, GET, OK, simulation } from "../support/sim-proxy.ts";

const BUSY = "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 4\r\n\r\nbusy";
const POST = "POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 5\r\n\r\nhello";
const KEYED = POST.replace("\r\n\r\n", '\r\nIdempotency-Key: "1"\r\n\r\n');
const on503 = { statuses: new Set([503]) };
const silent = () => {};
const only = (...conditions: RetryCondition[]) => new Set(conditions);

simulation(
  "retry: a status is asked elsewhere, and the client sees nothing of it",
  { origins: [BUSY, OK], retry: on503 },
  async (proxy) => {
    const client = await proxy.clientWith(GET);
    await proxy.advance(100);

    assert.deepEqual(answersOf(client), ["200"]);
    assert.ok(!client.text.includes("busy"));
    assert.equal(proxy.lastOver.attempts, 2);
    // What was left of the answer has been read, so its connection serves on.
    assert.equal(proxy.pools.get(proxy.upstream.endpoints[0]!)!.idleCount, 1);
  },
);

simulation(
  "retry: the last answer is the client's, whatever its status",
  { origins: [BUSY, BUSY, BUSY, OK], retry: on503 },
  async (proxy) => {
    const client = await proxy.clientWith(GET);
    await proxy.advance(300);

    assert.deepEqual(answersOf(client), ["503"]);
    assert.ok(client.text.endsWith("busy"));
    assert.equal(proxy.lastOver.attempts, 3);
  },
);

simulation(
  "retry: the only endpoint is asked again for a status, after as long as it said",
  { origins: [BUSY.replace("\r\n", "\r\nRetry-After: 1\r\n")], retry: on503 },
  async (proxy) => {
    const client = await proxy.clientWith(GET);
    proxy.origin.answer = OK;

    await proxy.advance(900);
    assert.equal(client.text, "");
    await proxy.advance(200);

    assert.deepEqual(answersOf(client), ["200"]);
  },
);

for (const wish of ["3", "Fri, 31 Dec 2030 23:59:59 GMT", "-1"]) {
  simulation(
    `retry: an endpoint that wants to be left alone for longer has answered (${wish})`,
    { origins: [BUSY.replace("\r\n", `\r\nRetry-After: ${wish}\r\n`)], retry: on503 },
    async (proxy) => {
      const client = await proxy.clientWith(GET);
      await proxy.advance(100);

      assert.deepEqual(answersOf(client), ["503"]);
      assert.equal(proxy.lastOver.attempts, 1);
    },
  );
}

/** What comes behind the head of an answer that nobody wants, and whether its connection is kept. */
// biome-ignore format: a table
const rests: [name: string, head: string, body: string, idle: number][] = [
  ["a short body",        "Content-Length: 4",          "busy",                         1],
  ["no body",             "Content-Length: 0",          "",                             1],
  ["chunks",              "Transfer-Encoding: chunked", "4\r\nbusy\r\n0\r\n\r\n",       1],
  ["a body announced as too long", "Content-Length: 70000", "busy",                     0],
  ["chunks without end",  "Transfer-Encoding: chunked", `11170\r\n${"x".repeat(0x11170)}\r\n`, 0],
  ["a body that ends with the connection", "X-A: b",    "busy",                         0],
  ["a body that stalls",  "Content-Length: 4",          "bu",                           0],
  ["broken chunks",       "Transfer-Encoding: chunked", "zz\r\n",                       0],
  ["more than it should", "Content-Length: 4",          "busyHTTP/1.1 200 OK\r\n\r\n",  0],
];

for (const [name, head, body, idle] of rests) {
  simulation(
    `retry: a declined answer with ${name} ${idle === 1 ? "leaves" : "costs"} its connection`,
    { origins: [`HTTP/1.1 503 Busy\r\n${head}\r\n\r\n${body}`, OK], retry: on503 },
    async (proxy) => {
      const client = await proxy.clientWith(GET);
      await proxy.advance(2_000);

      assert.deepEqual(answersOf(client), ["200"]);
      const pool = proxy.pools.get(proxy.upstream.endpoints[0]!)!;
      assert.equal(pool.idleCount, idle);
      assert.equal(pool.openCount, idle);
    },
  );
}

for (let at = 1; at < BUSY.length; at++) {
  simulation(
    `retry: a declined answer that comes in two, cut at ${at}`,
    { origins: [silent, OK], retry: on503 },
    async (proxy) => {
      const client = await proxy.clientWith(GET);
      proxy.origin.last.send(BUSY.slice(0, at));
      await proxy.advance(5);
      proxy.origin.last.send(BUSY.slice(at));
      await proxy.advance(100);

      assert.deepEqual(answersOf(client), ["200"]);
      assert.equal(proxy.pools.get(proxy.upstream.endpoints[0]!)!.idleCount, 1);
    },
  );
}

simulation(
  "retry: an answer that is declined while the upload goes on costs its connection",
  { origins: [silent, OK], retry: { ...on503, nonIdempotent: true }, replaysBody: true },
  async (proxy) => {
    proxy.origin.onConnection = (connection) => connection.send(BUSY);
    const client = await proxy.clientWith(POST.slice(0, -2));
    await proxy.advance(100);
    client.send(POST.slice(-2));
    await proxy.advance(100);

    assert.deepEqual(answersOf(client), ["200"]);
    assert.equal(proxy.origins[1]!.requests[0]!.body, "hello");
    assert.equal(proxy.pools.get(proxy.upstream.endpoints[0]!)!.openCount, 0);
  },
);

simulation(
  "retry: a client that leaves while a declined answer is waited out is let go",
  { origins: [BUSY.replace("\r\n", "\r\nRetry-After: 2\r\n")], retry: on503 },
  async (proxy) => {
    const client = await proxy.clientWith(GET);

    client.reset();
    await proxy.advance(3_000);

    assert.equal(proxy.origin.requests.length, 1);
    assert.deepEqual(proxy.ends, ["client_gone"]);
  },
);

simulation(
  "retry: the budget bounds how many answers are declined at once",
  {
    origins: [BUSY, OK],
    retry: on503,
    retryBudget: { percent: 0, minConcurrent: 1 },
  },
  async (proxy) => {
    const clients = [];
    for (let count = 0; count < 3; count++) {
      const client = proxy.client();
      client.send(GET);
      clients.push(client);
    }
    await proxy.advance(100);

    const answers = clients.flatMap(answersOf).sort();
    assert.deepEqual(answers, ["200", "503", "503"]);
  },
);

simulation(
  "retry: a POST with an Idempotency-Key is tried again, body and all",
  { origins: [BUSY, OK], retry: on503 },
  async (proxy) => {
    const client = await proxy.clientWith(KEYED);
    await proxy.advance(100);

    assert.deepEqual(answersOf(client), ["200"]);
    assert.equal(proxy.origins[1]!.requests[0]!.body, "hello");
  },
);

for (const [name, text, retry] of [
  ["without a key", POST, on503],
  ["with a key that the route does not go by", KEYED, { ...on503, keyedRequests: false }],
] as const) {
  simulation(
    `retry: a POST ${name} is not tried again for a status`,
    { origins: [BUSY, OK], retry },
    async (proxy) => {
      const client = await proxy.clientWith(text);
      await proxy.advance(100);

      assert.deepEqual(answersOf(client), ["503"]);
      assert.equal(proxy.origins[1]!.requests.length, 0);
    },
  );
}

for (const garbage of [
  "HTTP/2.0 200 OK\r\n\r\n",
  "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
  "\u0000\u0001\u0002\u0003",
  "HTTP/1.1 101 Switching Protocols\r\n\r\n",
  "HTTP/1.1 100 Continue\r\n\r\n".repeat(20),
]) {
  simulation(
    `retry: garbage is asked elsewhere: ${JSON.stringify(garbage.slice(0, 40))}`,
    { origins: [garbage, OK], retry: { on: only("malformed") } },
    async (proxy) => {
      const client = await proxy.clientWith(GET);
      await proxy.advance(100);

      assert.deepEqual(
        answersOf(client).filter((answer) => answer !== "100"),
        ["200"],
      );
      assert.deepEqual(proxy.outcomes, ["failed", "served"]);
    },
  );
}

simulation(
  "retry: perTry ends a try that takes too long",
  { origins: [silent, OK], retry: { on: only("timeout"), perTryMs: 500 } },
  async (proxy) => {
    const client = await proxy.clientWith(GET);
    await proxy.advance(450);
    assert.deepEqual(answersOf(client), []);

    await proxy.advance(300);

    assert.deepEqual(answersOf(client), ["200"]);
    assert.deepEqual(proxy.outcomes, ["failed", "served"]);
  },
);

simulation(
  "retry: perTry holds for the connection too",
  { origins: [silent, OK], retry: { on: only("timeout"), perTryMs: 500 } },
  async (proxy) => {
    proxy.world.network.blackhole(proxy.origin.address);
    const client = await proxy.clientWith(GET);
    await proxy.advance(750);

    assert.deepEqual(answersOf(client), ["200"]);
  },
);

simulation(
  "retry: perTry is over with the response head, and a slow body is none of its business",
  {
    origins: [(connection) => connection.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\no")],
    retry: { on: only("timeout"), perTryMs: 500 },
  },
  async (proxy) => {
    const client = await proxy.clientWith(GET);
    await proxy.advance(5_000);
    proxy.origin.last.send("k");
    await proxy.advance(5);

    assert.ok(client.text.endsWith("\r\n\r\nok"));
    assert.deepEqual(proxy.ends, ["served"]);
  },
);

simulation(
  "retry: perTry does not pass while the client is still sending",
  { origins: [OK], retry: { on: only("timeout"), perTryMs: 500 } },
  async (proxy) => {
    const client = await proxy.clientWith(POST.slice(0, -1));
    await proxy.advance(5_000);
    client.send(POST.slice(-1));
    await proxy.advance(5);

    assert.deepEqual(answersOf(client), ["200"]);
    assert.equal(proxy.lastOver.attempts, 1);
  },
);

simulation(
  "retry: the last try that takes too long is told as what it is",
  { origins: [silent, silent], retry: { on: only("timeout"), perTryMs: 500 } },
  async (proxy) => {
    const client = await proxy.clientWith(GET);
    await proxy.advance(2_000);

    assert.deepEqual(answersOf(client), ["504 response_timeout"]);
    assert.equal(proxy.lastOver.attempts, 2);
  },
);
