/** TLS is passed through by the name that the client asks for; what is no ClientHello is closed. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { once } from "node:events";
import { type AddressInfo, connect as connectSocket } from "node:net";
import { connect, createServer } from "node:tls";
import { promisify } from "node:util";
import { type Certificate, selfSigned } from "../support/certificate.ts";
import { helloOf, inRecords } from "../support/hello.ts";
import { skipWithout } from "../support/parts.ts";
import { RawServer } from "../support/raw-server.ts";
import { type Scenario, scenario } from "../support/scenario.ts";

const skip = skipWithout("openssl");
let certificate: Certificate | undefined;

/** A real TLS server that says its name and what it was asked for. */
async function tlsServer(it: Scenario, name: string): Promise<number> {
  certificate ??= await selfSigned("any.test");
  const server = createServer({ ...certificate, ALPNProtocols: ["h2", "http/1.1"] }, (socket) => {
    socket.on("error", () => {});
    socket.end(`${name} for ${socket.servername || "nobody"} ${socket.alpnProtocol || "-"}\n`);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  it.defer(() => server.close());
  return (server.address() as AddressInfo).port;
}

async function threeStreams(it: Scenario, extra = "") {
  const [db, wild, rest] = [
    await tlsServer(it, "db"),
    await tlsServer(it, "wild"),
    await tlsServer(it, "rest"),
  ];
  const proxy = await it.proxy(`{
    upstreams: { db: 127.0.0.1:${db}, wild: 127.0.0.1:${wild}, rest: 127.0.0.1:${rest} },
    streams: [
      { name: db, sni: [db.example.com], forward: db },
      { name: wild, sni: "*.Example.com", forward: wild },
      { name: rest, forward: rest } ] ${extra} }`);
  return proxy;
}

async function asked(port: number, servername: string, ALPNProtocols: string[] = []) {
  const socket = connect({
    ...{ port, host: "127.0.0.1", rejectUnauthorized: false, ALPNProtocols },
    ...(servername === "" ? {} : { servername }),
  });
  let text = "";
  for await (const bytes of socket) text += bytes;
  return text.trim();
}

scenario(
  "each name goes to its stream: exact, any below a wildcard, and the rest",
  async (it) => {
    const { port } = await threeStreams(it);

    assert.equal(await asked(port, "db.example.com"), "db for db.example.com -");
    assert.equal(await asked(port, "DB.EXAMPLE.com", ["h2"]), "db for DB.EXAMPLE.com h2");
    assert.equal(await asked(port, "a.b.example.com"), "wild for a.b.example.com -");
    assert.equal(await asked(port, "example.com"), "rest for example.com -");
    assert.equal(await asked(port, ""), "rest for nobody -");
  },
  { skip },
);

scenario(
  "openssl s_client shakes hands with the server of its name, and the log has the name",
  async (it) => {
    const proxy = await threeStreams(it);

    const { stdout } = await promisify(execFile)("openssl", [
      ...["s_client", "-connect", `127.0.0.1:${proxy.port}`, "-servername", "db.example.com"],
      ...["-alpn", "h2", "-quiet", "-ign_eof"],
    ]);
    const [line] = await proxy.accessLines(1);

    assert.equal(stdout, "db for db.example.com h2\n");
    assert.deepEqual([line!["stream"], line!["sni"]], ["db", "db.example.com"]);
  },
  { skip },
);

scenario("a hello in many records and segments finds its stream (T3)", async (it) => {
  const [db, rest] = [await RawServer.open(), await RawServer.open()];
  for (const each of [db, rest]) it.defer(() => each.close());
  const proxy = await it.proxy(`{
    upstreams: { db: "${db.address}", rest: "${rest.address}" },
    streams: [{ sni: db.example.com, forward: db }, { forward: rest }] }`);
  const hello = await helloOf("db.example.com");

  for (const most of [1, 7, 100, 16_000]) {
    const bytes = inRecords(hello, most);
    const client = await it.connect(proxy.port);
    for (let at = 0; at < bytes.length; at += 97) await client.sent(bytes.subarray(at, at + 97));
    client.send("behind");
    client.halfClose();
    const got = () => db.connections.find(({ text }) => text.endsWith("behind"));
    while (got() === undefined) await new Promise(setImmediate);

    assert.equal(got()!.text, `${bytes.toString("latin1")}behind`);
    client.close();
    got()!.socket.destroy();
    got()!.text = "";
  }
  assert.equal(rest.connections.length, 0);
});

// biome-ignore format: a table
const garbage: [name: string, bytes: Buffer, fault: string][] = [
  ["plain HTTP",                  Buffer.from("GET / HTTP/1.1\r\nhost: db.example.com\r\n\r\n"),       "client_hello_malformed"],
  ["a hello larger than the cap", Buffer.concat([Buffer.from([22, 3, 1, 0x40, 0, 1, 2, 0, 0]), Buffer.alloc(80_000)]), "client_hello_malformed"],
  ["an empty record",             Buffer.from([22, 3, 1, 0, 0]),                                       "client_hello_malformed"],
  ["half a hello, and a FIN",     Buffer.from([22, 3, 1, 0, 200, 1, 0]),                               "client_gone"],
];

for (const [name, bytes, fault] of garbage) {
  scenario(`${name}: closed, and no stream gets it, not even the one without sni`, async (it) => {
    const server = await RawServer.open();
    it.defer(() => server.close());
    const proxy = await it.proxy(`{ upstreams: { a: "${server.address}" },
      streams: [{ sni: db.example.com, forward: a }, { forward: a }] }`);
    const client = await it.connect();

    client.send(bytes);
    if (fault === "client_gone") client.halfClose();
    await client.readToEnd();
    const [line] = await proxy.accessLines(1);

    assert.equal(client.text, "");
    assert.equal(line!["fault"], fault);
    assert.equal(server.connections.length, 0);
    assert.match(await proxy.metrics(), new RegExp(`requests_refused_total\\{.*${fault}"\\} 1`));
  });
}

scenario("a name that no stream has is closed where there is none without sni", async (it) => {
  const server = await RawServer.open();
  it.defer(() => server.close());
  const proxy = await it.proxy(`{ upstreams: { a: "${server.address}" },
    streams: [{ sni: db.example.com, forward: a }] }`);
  const client = await it.connect();

  client.send(await helloOf("other.example.com"));
  await client.readToEnd();
  const [line] = await proxy.accessLines(1);

  assert.deepEqual([line!["fault"], line!["fault_detail"]], ["no_stream", "other.example.com"]);
  assert.equal(server.connections.length, 0);
});

scenario("half a hello that never goes on is closed by timeouts.requestHead", async (it) => {
  const server = await RawServer.open();
  it.defer(() => server.close());
  const proxy =
    await it.proxy(`{ timeouts: { requestHead: 300ms }, upstreams: { a: "${server.address}" },
    streams: [{ sni: db.example.com, forward: a }] }`);
  const client = await it.connect();
  const silent = connectSocket(proxy.port, "127.0.0.1");

  client.send(Buffer.from([22, 3, 1]));
  await client.readToEnd();
  await once(silent, "close");
  const [line] = await proxy.accessLines(1);

  assert.equal(line!["fault"], "opening_timeout");
});
