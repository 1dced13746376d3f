/** A client stays on the endpoint that served it first, for as long as that one serves. */
import assert from "node:assert/strict";
import { BALANCERS } from "../../src/upstream/balancers/named.ts";
import { OK, type SimProxy, type SimProxyOptions, simulation } from "../support/sim-proxy.ts";

const answerOf = (name: string) => `HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n${name}`;
const sticky = {
  cookie: "at",
  secret: "0123456789abcdef",
  attributes: "; Path=/; HttpOnly",
  isSecure: undefined,
};
const threeOf: SimProxyOptions = {
  origins: [answerOf("a"), answerOf("b"), answerOf("c")],
  upstream: { balance: BALANCERS.roundRobin, sticky },
};

interface Got {
  readonly by: string; // "a" "b" "c"
  readonly cookie: string | undefined; // the value of a new one
  readonly text: string;
}

async function get(proxy: SimProxy, cookie?: string): Promise<Got> {
  const line = cookie === undefined ? "" : `Cookie: x=1; at=${cookie}; y=2\r\n`;
  const client = await proxy.clientWith(`GET / HTTP/1.1\r\nHost: a.test\r\n${line}\r\n`);
  await proxy.advance(50);
  const [, value] = /^Set-Cookie: at=([^;]*); Path=\/; HttpOnly\r$/m.exec(client.text) ?? [];
  return { by: client.text.at(-1) ?? "", cookie: value, text: client.text };
}

simulation(
  "sticky: the cookie brings a client back, and is not set again",
  threeOf,
  async (proxy) => {
    const first = await get(proxy);
    assert.ok(first.cookie !== undefined);

    for (let count = 0; count < 7; count++) {
      const next = await get(proxy, first.cookie);
      assert.equal(next.by, first.by);
      assert.equal(next.cookie, undefined);
      assert.doesNotMatch(next.text, /cache-control/i);
    }
  },
);

simulation("sticky: a response that sets it is for one client alone", threeOf, async (proxy) => {
  const { text } = await get(proxy);

  assert.match(text, /^Cache-Control: private\r$/m);
});

simulation(
  "sticky: a response that is private already is left as it is",
  {
    ...threeOf,
    origins: [OK.replace("\r\n", "\r\nCache-Control: no-store\r\n")],
  },
  async (proxy) => {
    const { text } = await get(proxy);

    assert.equal(text.match(/cache-control/gi)?.length, 1);
  },
);

simulation("sticky: the value says nothing of the endpoint", threeOf, async (proxy) => {
  const { cookie = "" } = await get(proxy);

  assert.match(cookie, /^[\w-]{22}$/);
  assert.doesNotMatch(Buffer.from(cookie, "base64url").toString("latin1"), /10\.0/);
});

simulation("sticky: what is no value of ours is no cookie", threeOf, async (proxy) => {
  const { cookie = "" } = await get(proxy);
  const others = ["", "x", cookie.slice(1), `${cookie}x`, cookie.toLowerCase(), "10.0.1.1:80"];
  for (const [place, bit] of [...cookie].entries()) {
    others.push(cookie.slice(0, place) + (bit === "A" ? "B" : "A") + cookie.slice(place + 1));
  }

  const by = new Set<string>();
  for (const each of others) {
    const got = await get(proxy, each);
    assert.ok(got.cookie !== undefined, each);
    by.add(got.by);
  }

  assert.equal(by.size, 3, "they are balanced as if they had none");
});

simulation(
  "sticky: who loses its endpoint gets another, and a new cookie",
  threeOf,
  async (proxy) => {
    const first = await get(proxy);
    const { state } = proxy.upstream.endpoints["abc".indexOf(first.by)]!;

    state.health = "down";
    const moved = await get(proxy, first.cookie);
    assert.notEqual(moved.by, first.by);
    assert.ok(moved.cookie !== undefined && moved.cookie !== first.cookie);
    state.health = "up";

    assert.equal((await get(proxy, moved.cookie)).by, moved.by, "and stays there");
    assert.equal((await get(proxy, first.cookie)).by, first.by, "the old one is good again");
  },
);

simulation("sticky: an ejected endpoint keeps nobody", threeOf, async (proxy) => {
  const first = await get(proxy);
  const { state } = proxy.upstream.endpoints["abc".indexOf(first.by)]!;

  state.ejectedUntilMs = proxy.world.clock.nowMs() + 10_000;

  assert.notEqual((await get(proxy, first.cookie)).by, first.by);
});

simulation(
  "sticky: an endpoint that drains keeps its clients and gets no new ones",
  threeOf,
  async (proxy) => {
    const first = await get(proxy);
    const { state } = proxy.upstream.endpoints["abc".indexOf(first.by)]!;

    state.isDraining = true;

    for (let count = 0; count < 6; count++) {
      assert.equal((await get(proxy, first.cookie)).by, first.by);
      assert.notEqual((await get(proxy)).by, first.by);
    }
  },
);

simulation(
  "sticky: an endpoint that refuses is tried elsewhere, and the cookie follows",
  threeOf,
  async (proxy) => {
    const first = await get(proxy);
    const at = "abc".indexOf(first.by);
    await proxy.origins[at]!.refuse();
    for (const connection of proxy.origins[at]!.connections) connection.close();
    await proxy.advance(10);

    const moved = await get(proxy, first.cookie);

    assert.notEqual(moved.by, first.by);
    assert.ok(moved.cookie !== undefined);
  },
);

simulation("sticky: a reply of ours sets no cookie", threeOf, async (proxy) => {
  for (const { state } of proxy.upstream.endpoints) state.health = "down";
  const { text } = await get(proxy);

  assert.match(text, /^HTTP\/1\.1 503/);
  assert.doesNotMatch(text, /set-cookie/i);
});

const SOCKET =
  "GET / HTTP/1.1\r\nHost: a.test\r\nConnection: upgrade\r\nUpgrade: websocket\r\n" +
  "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
const switchedBy = (name: string) =>
  "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n" +
  `Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n${name}`;

simulation(
  "sticky: a WebSocket handshake sets the cookie, and follows it",
  { ...threeOf, origins: [switchedBy("a"), switchedBy("b"), switchedBy("c")] },
  async (proxy) => {
    const client = await proxy.clientWith(`${SOCKET}\r\n`);
    await proxy.advance(50);
    const [, value] = /^Set-Cookie: at=([^;]*); Path=\/; HttpOnly\r$/m.exec(client.text) ?? [];
    assert.match(client.text, /^HTTP\/1\.1 101 /);
    assert.ok(value !== undefined);

    for (let count = 0; count < 4; count++) {
      const next = await proxy.clientWith(`${SOCKET}Cookie: at=${value}\r\n\r\n`);
      await proxy.advance(50);
      assert.equal(next.text.at(-1), client.text.at(-1), "the same endpoint");
      assert.doesNotMatch(next.text, /set-cookie/i);
    }
  },
);
