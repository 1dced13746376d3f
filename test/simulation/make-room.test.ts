/** Near the limit on connections, who does nothing goes; who has only just come has a moment. */
import assert from "node:assert/strict";
import { GET, simulation } from "../support/sim-proxy.ts";

const HALF = "GET / HTTP/1.1\r\nHost: a.t";

simulation(
  "slow heads hold no place against newcomers (slowloris)",
  { limits: { connectionsMax: 32 } },
  async (proxy) => {
    const slow = Array.from({ length: 32 }, () => proxy.client());
    for (const client of slow) client.send(HALF);
    await proxy.advance(500);

    const early = await proxy.clientWith(GET);
    await proxy.advance(1_000);
    const late = await proxy.clientWith(GET);
    await proxy.advance(50);

    assert.match(early.text, /^HTTP\/1\.1 503 /, "all of them may still be honest");
    assert.match(late.text, /^HTTP\/1\.1 200 /);
    assert.equal(proxy.worker.roomMade, 1);
    assert.equal(slow.filter((client) => client.hasFinished).length, 1);
  },
);

simulation(
  "who has come and said nothing goes after a second, and not before",
  { limits: { connectionsMax: 4 } },
  async (proxy) => {
    for (let number = 0; number < 4; number++) proxy.client();
    await proxy.advance(900);
    const early = await proxy.clientWith(GET);
    await proxy.advance(200);
    const late = await proxy.clientWith(GET);
    await proxy.advance(50);

    assert.match(early.text, /^HTTP\/1\.1 503 /);
    assert.match(late.text, /^HTTP\/1\.1 200 /);
  },
);

simulation(
  "who is being served is never closed for a newcomer",
  { limits: { connectionsMax: 4 }, origins: [""] },
  async (proxy) => {
    const busy = [];
    for (let number = 0; number < 4; number++) busy.push(await proxy.clientWith(GET));
    await proxy.advance(5_000);

    const next = await proxy.clientWith(GET);
    await proxy.advance(50);

    assert.match(next.text, /^HTTP\/1\.1 503 [\s\S]*overloaded/);
    assert.deepEqual(proxy.worker.shed, ["overloaded"]);
    assert.ok(busy.every((client) => !client.isClosed));
  },
);

simulation(
  "a connection of HTTP/2 that does nothing goes as well, and newcomers are told to be calm",
  { limits: { connectionsMax: 2 }, protocols: ["h2c"] },
  async (proxy) => {
    for (let number = 0; number < 2; number++) proxy.client();
    await proxy.advance(500);
    const early = await proxy.clientWith("");
    await proxy.advance(1_000);
    const late = await proxy.clientWith("");
    await proxy.advance(100);

    assert.equal(Buffer.from(early.text, "latin1").toString("hex"), CALM);
    assert.equal(late.isClosed, false);
    assert.equal(proxy.worker.roomMade, 1);
  },
);

const CALM = "000000040000000000000008070000000000000000000000000b";
