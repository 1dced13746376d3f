/** Another upstream gets copies of the requests, and the client never feels it. */
import assert from "node:assert/strict";
import type { SimAnswer } from "../support/sim-origin.ts";
import {
  answersOf,
  GET,
  OK,
  type SimProxy,
  type SimProxyOptions,
  simulation,
} from "../support/sim-proxy.ts";

const silent = () => {};
const BODY = "0123456789".repeat(100);
const POST = `POST /x?y=1 HTTP/1.1\r\nHost: a.test\r\nX-Own: 1\r\nContent-Length: ${BODY.length}\r\n\r\n${BODY}`;

function mirrored(options: SimProxyOptions = {}, more = {}): SimProxyOptions {
  return {
    origins: [OK, OK],
    others: ["shadow"],
    mirror: (targetOf) => ({
      target: targetOf("shadow"),
      percent: 100,
      bodyBytesMax: 2_000,
      concurrentMax: 3,
      ...more,
    }),
    ...options,
  };
}

const shadow = (proxy: SimProxy) => proxy.origins[1]!;

function counts(proxy: SimProxy): [answered: number, failed: number, dropped: number] {
  const { answered, failed, dropped } = proxy.upstreams.get("shadow")!.mirrored;
  return [answered, failed, dropped];
}

simulation("mirror: a copy is the same request", mirrored(), async (proxy) => {
  const client = await proxy.clientWith(POST);
  await proxy.advance(50);

  assert.deepEqual(answersOf(client), ["200"]);
  const [own, copy] = proxy.origins.map(({ requests }) => requests[0]!);
  assert.deepEqual({ ...copy, end: 0 }, { ...own, end: 0 });
  assert.deepEqual(counts(proxy), [1, 0, 0]);
  assert.equal(proxy.lastOver.attempts, 1);
});

simulation("mirror: a chunked body too, at any split", mirrored(), async (proxy) => {
  const client = proxy.client();
  const text =
    "POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n" +
    "5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n";
  for (const byte of text) {
    client.send(byte);
    await proxy.advance(1);
  }
  await proxy.advance(50);

  assert.deepEqual(answersOf(client), ["200"]);
  assert.equal(shadow(proxy).requests[0]!.body, "hello world");
  assert.equal(shadow(proxy).requests[0]!.framing, "chunked");
});

simulation(
  "mirror: what asks for 100-continue is copied without asking",
  mirrored(),
  async (proxy) => {
    const client = await proxy.clientWith(
      "POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n",
    );
    await proxy.advance(1_500);
    client.send("hello");
    await proxy.advance(50);

    assert.deepEqual(counts(proxy), [1, 0, 0]);
    const { fields, body } = shadow(proxy).requests[0]!;
    assert.equal(body, "hello");
    assert.ok(!fields.some(([name]) => name.toLowerCase() === "expect"));
  },
);

simulation("mirror: a share of the requests", mirrored({}, { percent: 25 }), async (proxy) => {
  const client = proxy.client();
  for (let count = 0; count < 200; count++) {
    client.send(GET);
    await proxy.advance(5);
  }

  const { length } = shadow(proxy).requests;
  assert.ok(length > 25 && length < 75, `${length} of 200`);
});

const troubles: readonly (readonly [name: string, begin: (proxy: SimProxy) => unknown])[] = [
  ["refuses", (proxy) => shadow(proxy).refuse()],
  ["never answers", (proxy) => answerWith(proxy, silent)],
  ["answers garbage", (proxy) => answerWith(proxy, "garbage\r\n\r\n")],
  ["hangs up", (proxy) => answerWith(proxy, (connection) => connection.reset())],
  [
    "is down",
    (proxy) => {
      proxy.upstreams.get("shadow")!.endpoints[0]!.state.health = "down";
    },
  ],
  [
    "does not read",
    (proxy) => {
      shadow(proxy).onConnection = (connection) => connection.pause();
    },
  ],
];

function answerWith(proxy: SimProxy, answer: SimAnswer): void {
  shadow(proxy).answer = answer;
}

for (const [name, act] of troubles) {
  simulation(
    `mirror: the client does not feel that the other ${name}`,
    mirrored(),
    async (proxy) => {
      await act(proxy);
      const clients = [];
      for (let count = 0; count < 6; count++) clients.push(await proxy.clientWith(POST));
      await proxy.advance(10);

      for (const client of clients) assert.deepEqual(answersOf(client), ["200"]);
      assert.deepEqual(
        proxy.ends,
        Array.from({ length: 6 }, () => "served"),
      );
      assert.deepEqual(proxy.worker.failedAttempts, []);
      await proxy.advance(120_000);
      const [answered, failed, dropped] = counts(proxy);
      assert.equal(answered, 0);
      assert.equal(failed + dropped, 6, "each is counted once, and none hangs for ever");
    },
  );
}

simulation("mirror: an endless answer is cut", mirrored(), async (proxy) => {
  let count = 0;
  shadow(proxy).answer = (connection) => {
    connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    const chunk = `${(64 * 1024).toString(16)}\r\n${"x".repeat(64 * 1024)}\r\n`;
    for (; count < 64; count++) connection.send(chunk);
  };
  const client = await proxy.clientWith(GET);
  await proxy.advance(1_000);

  assert.deepEqual(answersOf(client), ["200"]);
  assert.ok(shadow(proxy).last.isClosed);
  assert.deepEqual(counts(proxy), [1, 0, 0]);
});

simulation(
  "mirror: copies at once are bound",
  mirrored({ origins: [OK, silent] }),
  async (proxy) => {
    for (let count = 0; count < 8; count++) await proxy.clientWith(GET);

    assert.equal(shadow(proxy).requests.length, 3);
    assert.deepEqual(counts(proxy), [0, 0, 5]);
  },
);

simulation(
  "mirror: too large a body is not copied",
  mirrored({}, { bodyBytesMax: 999 }),
  async (proxy) => {
    const announced = await proxy.clientWith(POST);
    const chunks = `Transfer-Encoding: chunked\r\n\r\n3e8\r\n${BODY}\r\n0\r\n\r\n`;
    const chunked = await proxy.clientWith(`POST / HTTP/1.1\r\nHost: a.test\r\n${chunks}`);
    await proxy.advance(50);

    assert.deepEqual([...answersOf(announced), ...answersOf(chunked)], ["200", "200"]);
    assert.equal(shadow(proxy).requests.length, 0);
    assert.deepEqual(counts(proxy), [0, 0, 2]);
  },
);

for (let at = 1; at < POST.length; at += 97) {
  simulation(
    `mirror: a client that leaves after ${at} bytes leaves no half of a copy`,
    mirrored(),
    async (proxy) => {
      const client = await proxy.clientWith(POST.slice(0, at));
      client.reset();
      await proxy.advance(100);

      assert.equal(shadow(proxy).requests.length, 0);
      assert.equal(shadow(proxy).connections.length, 0);
    },
  );
}

simulation(
  "mirror: a copy under way outlives its client",
  mirrored({ origins: [silent, silent] }),
  async (proxy) => {
    const client = await proxy.clientWith(POST);
    await proxy.advance(20);
    client.reset();
    await proxy.advance(20);

    shadow(proxy).last.send(OK);
    await proxy.advance(20);

    assert.deepEqual(counts(proxy), [1, 0, 0]);
  },
);
