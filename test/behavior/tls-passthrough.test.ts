/** HTTPS and TLS that is passed through, on one port: the name in the hello says which. */
import assert from "node:assert/strict";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { createServer } from "node:tls";
import { selfSigned } from "../support/certificate.ts";
import { eventually } from "../support/deadline.ts";
import { helloOf, inRecords } from "../support/hello.ts";
import { skipWithout } from "../support/parts.ts";
import { type Scenario, scenario } from "../support/scenario.ts";
import { certificateFor, tlsConnect, tlsRefusal, tlsTalk } from "../support/tls-stage.ts";

const SERVER_RECORD = "\x16\x03\x03"; // of its handshake
const skip = skipWithout("openssl");
const GET = "GET / HTTP/1.1\r\nhost: a.test\r\nconnection: close\r\n\r\n";

async function tlsServer(it: Scenario): Promise<number> {
  const server = createServer(await selfSigned("db.test"), (socket) => {
    socket.on("error", () => {});
    socket.once("data", (bytes) => socket.end(`db got ${bytes.length}`));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  it.defer(() => server.close());
  return (server.address() as AddressInfo).port;
}

async function shared(it: Scenario) {
  const { cert, key } = await certificateFor(it, ["a.test", "late.test"]);
  const db = await tlsServer(it);
  const configOf = (names: string) => `{
    upstreams: { db: 127.0.0.1:${db} },
    sites: [{ hosts: [a.test, late.test], tls: { cert: ${cert}, key: ${key} },
      routes: [{ respond: { status: 200, body: site } }] }],
    streams: [{ name: db, sni: [${names}], forward: db }] }`;
  const proxy = await it.proxyHere(configOf("db.test, '*.db.test'"));
  return { proxy, configOf };
}

const talk = async (port: number, name: string, bytes = GET) =>
  tlsTalk(await tlsConnect(port, name, { ALPNProtocols: [] }), bytes);

scenario(
  "a name of a stream is passed through, and a name of a site is served",
  async (it) => {
    const { proxy } = await shared(it);

    assert.equal(await talk(proxy.port, "db.test", "12345"), "db got 5");
    assert.equal(await talk(proxy.port, "x.DB.test", "123"), "db got 3");
    assert.match(await talk(proxy.port, "a.test"), /^HTTP\/1\.1 200 .*site$/s);
    assert.equal(await tlsRefusal(proxy.port, "other.test"), "ERR_SSL_TLSV1_UNRECOGNIZED_NAME");
    const lines = await proxy.accessLines(4);
    assert.deepEqual(
      lines.map((line) => line["stream"] ?? line["site"] ?? line["fault"]),
      ["db", "db", "a.test", "no_certificate"],
    );
    const open = 'sluice_connections_open{listener="127.0.0.1:0"}';
    await eventually(
      async () => ((await proxy.metric(open)) === 0 ? true : undefined),
      () => "no connection open",
    );
  },
  { skip },
);

scenario(
  "a reload gives a name to the stream, or takes the streams away, and cuts nobody",
  async (it) => {
    const { proxy, configOf } = await shared(it);
    const before = await tlsConnect(proxy.port, "db.test", { ALPNProtocols: [] });
    assert.match(await talk(proxy.port, "late.test"), /site$/);

    await proxy.reload(configOf("late2.test, db.test").replace("late.test]", "a2.test]"));
    await proxy.reload(configOf("db.test").replace("[a.test, late.test]", "a.test"));
    await proxy.reload(configOf("late.test").replace("[a.test, late.test]", "a.test"));
    assert.equal(await talk(proxy.port, "late.test", "1234"), "db got 4");
    await proxy.reload(configOf("x").replace(/,\s+streams: .*\}\] \}/, "}"));

    assert.equal(await tlsTalk(before, "12"), "db got 2");
    assert.equal(await tlsRefusal(proxy.port, "db.test"), "ERR_SSL_TLSV1_UNRECOGNIZED_NAME");
    assert.match(await talk(proxy.port, "a.test"), /site$/);
  },
  { skip },
);

scenario(
  "a hello in pieces is answered here, with the certificate of its name (T3)",
  async (it) => {
    const { proxy } = await shared(it);
    const hello = await helloOf("a.test");

    for (const [records, segment] of [
      [16_384, 1],
      [7, 4096],
      [100, 33],
    ] as const) {
      const bytes = inRecords(hello, records);
      const client = await it.connect(proxy.port);
      for (let at = 0; at < bytes.length; at += segment) {
        await client.sent(bytes.subarray(at, at + segment));
      }
      await client.readUntil(SERVER_RECORD);
      client.close();
    }
    const tooLarge = await it.connect(proxy.port);
    tooLarge.send(
      Buffer.concat([Buffer.from([22, 3, 1, 64, 0, 1, 1, 0, 0]), Buffer.alloc(70_000)]),
    );
    await tooLarge.readToEnd();
    assert.equal(tooLarge.text, "");
  },
  { skip },
);
