/** Connections that carry a client's PROXY header: kept for it, never for another, and gone with it. */
import assert from "node:assert/strict";
import type { SimOriginConnection } from "../support/sim-origin.ts";
import { answersOf, GET, OK, type SimProxy, simulation } from "../support/sim-proxy.ts";

const HEADER = /^PROXY TCP4 203\.0\.113\.9 10\.0\.0\.1 (\d+) 80\r\n/;

/** Answers each request behind the header. */
function serve(connection: SimOriginConnection): void {
  let answered = 0;
  connection.isReading = false;
  connection.onBytes = () => {
    const requests = connection.text.split("\r\n\r\n").length - 1;
    for (; answered < requests; answered++) connection.send(OK);
  };
}

function served(proxy: SimProxy): void {
  for (const origin of proxy.origins) origin.onConnection = serve;
}

const ports = (proxy: SimProxy) =>
  proxy.origin.connections.map(({ text }) => HEADER.exec(text)?.[1]);

const V1 = { proxyVersion: 1 } as const;

simulation(
  "proxy header: a client's next request finds its connection, another's does not",
  V1,
  async (proxy) => {
    served(proxy);
    const one = await proxy.clientWith(GET);
    const other = await proxy.clientWith(GET);
    one.send(GET);
    other.send(`${GET}${GET}`);
    await proxy.advance(20);

    assert.deepEqual([answersOf(one).length, answersOf(other).length], [2, 3]);
    assert.equal(proxy.origin.connections.length, 2);
    assert.equal(new Set(ports(proxy)).size, 2);
  },
);

simulation("proxy header: the idle connection goes when its client goes", V1, async (proxy) => {
  served(proxy);
  const client = await proxy.clientWith(GET);
  const before = proxy.openWires;
  client.close();
  await proxy.advance(10);

  assert.deepEqual([before, proxy.openWires], [2, 0]);
});

simulation(
  "proxy header: it goes when its time is up, and the next request gets another",
  V1,
  async (proxy) => {
    served(proxy);
    const client = await proxy.clientWith(GET);
    await proxy.advance(31_000);
    const idle = proxy.openWires;
    client.send(GET);
    await proxy.advance(10);

    assert.equal(idle, 1);
    assert.deepEqual(answersOf(client), ["200", "200"]);
    assert.deepEqual(new Set(ports(proxy)).size, 1); // the same client in both
  },
);

simulation(
  "proxy header: one that died while idle is made anew, for the same client",
  V1,
  async (proxy) => {
    served(proxy);
    const client = await proxy.clientWith(GET);
    proxy.origin.last.close();
    client.send(GET);
    await proxy.advance(20);

    assert.deepEqual(answersOf(client), ["200", "200"]);
    assert.equal(proxy.origin.connections.length, 2);
  },
);

simulation("proxy header: a client that leaves in the middle leaves nothing", V1, async (proxy) => {
  proxy.origin.onConnection = (connection) => {
    connection.isReading = false; // and says nothing
  };
  const client = await proxy.clientWith(GET);
  client.reset();
  await proxy.advance(20);

  assert.deepEqual(proxy.ends, ["client_gone"]);
});

simulation(
  "proxy header: version 2 of it has the client's address and the id of the request",
  { proxyVersion: 2 },
  async (proxy) => {
    proxy.origin.onConnection = (connection) => {
      connection.isReading = false;
    };
    await proxy.clientWith(GET);

    const bytes = Buffer.from(proxy.origin.last.text, "latin1");
    assert.equal(bytes.subarray(16, 20).join("."), "203.0.113.9");
    assert.match(bytes.toString("latin1"), /id-1/);
  },
);
