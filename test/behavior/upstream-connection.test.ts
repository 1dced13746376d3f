/** An upstream connection carries one request at a time, and only clean ones are used again (S2, S6). */
import assert from "node:assert/strict";
import { within } from "../support/deadline.ts";
import { forwardTo, GET, OK, scenario } from "../support/scenario.ts";

scenario(
  "upstream connection: ten at once have ten connections, then they are reused",
  async (it) => {
    const origin = await it.origin(`<wait 30ms>${OK}`);
    await it.proxy(forwardTo(origin.url));

    await Promise.all(Array.from({ length: 10 }, () => it.client(GET)));
    await Promise.all(Array.from({ length: 10 }, () => it.client(GET)));

    assert.equal(origin.received.length, 20);
    assert.equal(origin.connections.length, 10);
  },
);

// biome-ignore format: a table
const dirty: [name: string, answer: string][] = [
  ["a second response",               `${OK}HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil`],
  ["one byte more",                   `${OK}x`],
  ["an empty line more",              `${OK}\r\n`],
  ["bytes behind the last chunk",     "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\nevil"],
  ["bytes behind a 204",              "HTTP/1.1 204 No\r\n\r\nevil"],
  ["bytes some time later",           `${OK}<wait 20ms>HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil`],
];

for (const [name, answer] of dirty) {
  scenario(`upstream connection: ${name}: thrown away, nobody gets it (S6)`, async (it) => {
    const origin = await it.origin([`${answer}<stall>`, OK]);
    await it.proxy(forwardTo(origin.url));
    const client = await it.connect();

    client.send(GET);
    await client.readResponse();
    await within(origin.connections[0]!.gone, () => "the end of the dirty connection");
    client.send(GET);
    const second = await client.readResponse();

    assert.equal(second.body, "ok");
    assert.ok(!client.text.includes("evil"));
    assert.equal(origin.connections.length, 2);
  });
}

scenario(
  "upstream connection: idle ones are closed after timeouts.upstreamKeepAlive",
  async (it) => {
    const origin = await it.origin(OK);
    await it.proxy(forwardTo(origin.url, { upstream: "timeouts: { upstreamKeepAlive: 200ms }" }));

    await it.client(GET);
    await within(origin.connections[0]!.gone, () => "the end of the idle connection");
    await it.client(GET);

    assert.equal(origin.connections.length, 2);
  },
);

scenario("upstream connection: `Keep-Alive: timeout=1` is believed, with a margin", async (it) => {
  const origin = await it.origin(
    "HTTP/1.1 200 OK\r\nkeep-alive: timeout=1\r\ncontent-length: 2\r\n\r\nok",
  );
  await it.proxy(forwardTo(origin.url));

  await it.client(GET);
  await within(origin.connections[0]!.gone, () => "the end before the origin's own second is over");
});

scenario(
  "upstream connection: closed by the origin while idle, the next gets another",
  async (it) => {
    const origin = await it.origin([`${OK}<wait 20ms><hang up>`, OK]);
    await it.proxy(forwardTo(origin.url));

    await it.client(GET);
    await within(origin.connections[0]!.gone, () => "the origin's close").catch(() => undefined);
    const second = await it.client(GET);

    assert.match(second, /^HTTP\/1\.1 200 /);
  },
);

scenario(
  "upstream connection: one that dies as it is reused is no failure of a GET",
  async (it) => {
    const origin = await it.origin([OK, "<hang up>", OK]);
    await it.proxy(forwardTo(origin.url, { route: "retry: { attempts: 2 }" }));

    await it.client(GET);
    const second = await it.client(GET);

    assert.match(second, /^HTTP\/1\.1 200 /);
    assert.equal(origin.received.length, 3);
  },
);
