/** PROXY headers from trusted peers are required and believed; from others they are garbage. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { writeProxyHeader } from "../../src/protocol/proxy-protocol/write-proxy-header.ts";
import { selfSigned } from "../support/certificate.ts";
import { eventually } from "../support/deadline.ts";
import { freePort } from "../support/free.ts";
import { startHaproxy } from "../support/haproxy.ts";
import type { Received } from "../support/origin.ts";
import { skipWithout } from "../support/parts.ts";
import { echo, RawServer } from "../support/raw-server.ts";
import { firstStatus, forwardTo, GET, OK, type Scenario, scenario } from "../support/scenario.ts";

const LISTENERS = 'listeners: { "*": { proxyProtocol: { from: [127.0.0.0/8] } } }';
const V1 = "PROXY TCP4 203.0.113.7 198.51.100.1 54321 443\r\n";
const ENDS = {
  source: { host: "203.0.113.7", port: 54_321 },
  destination: { host: "198.51.100.1", port: 443 },
};
const V2 = writeProxyHeader(2, ENDS, {
  authority: "a.test",
  alpn: "h2",
  uniqueId: "id-1",
  isTls: false,
});

function field(request: Received | undefined, name: string): string | undefined {
  return request?.fields.find(([key]) => key.toLowerCase() === name)?.[1];
}

async function proxied(it: Scenario, listeners = LISTENERS) {
  const origin = await it.origin(OK);
  const proxy = await it.proxy(forwardTo(origin.url, { top: listeners }));
  return { origin, proxy };
}

// biome-ignore format: a table
const headers: [name: string, header: Buffer, client: string, port: string | undefined][] = [
  ["version 1",          Buffer.from(V1),                          "203.0.113.7", "443"],
  ["version 1, IPv6",    Buffer.from("PROXY TCP6 2001:db8::7 2001:db8::1 1 443\r\n"), "2001:db8::7", "443"],
  ["version 1, unknown", Buffer.from("PROXY UNKNOWN\r\n"),         "127.0.0.1",   undefined],
  ["version 2",          V2,                                       "203.0.113.7", "443"],
  ["version 2, LOCAL",   writeProxyHeader(2, undefined, { authority: "", alpn: "", uniqueId: "", isTls: false }), "127.0.0.1", undefined],
];

for (const [name, header, client, port] of headers) {
  scenario(
    `${name}: forwarding fields and log have the client that the header names`,
    async (it) => {
      const { origin, proxy } = await proxied(it);
      const connection = await it.connect();

      connection.send(Buffer.concat([header, Buffer.from(GET)]));
      const { status } = await connection.readResponse();
      const [line] = await proxy.accessLines(1);

      assert.equal(status, 200);
      assert.equal(field(origin.received[0], "x-forwarded-for"), client);
      assert.equal(field(origin.received[0], "x-forwarded-port"), port ?? String(proxy.port));
      assert.equal(line!["client"], client);
    },
  );
}

scenario("a header cut at every byte is the same header", async (it) => {
  const { origin } = await proxied(it);

  for (const header of [Buffer.from(V1), V2]) {
    const bytes = Buffer.concat([header, Buffer.from(GET)]);
    for (let at = 1; at <= header.length; at += 3) {
      const client = await it.connect();
      await client.sent(bytes.subarray(0, at));
      await new Promise(setImmediate);
      client.send(bytes.subarray(at));
      assert.equal((await client.readResponse()).status, 200, `cut at ${at}`);
      client.close();
    }
  }

  const clients = origin.received.map((request) => field(request, "x-forwarded-for"));
  assert.deepEqual(new Set(clients), new Set(["203.0.113.7"]));
});

// biome-ignore format: a table
const refused: [name: string, bytes: string | Buffer][] = [
  ["no header at all",                GET],
  ["a header with a wrong address",   `PROXY TCP4 203.0.113.700 198.51.100.1 1 2\r\n${GET}`],
  ["a line that does not end",        "PROXY TCP4 ".padEnd(500, "1")],
  ["a header larger than 4 KiB",      Buffer.concat([V2.subarray(0, 14), Buffer.from([255, 255]), Buffer.alloc(5_000)])],
  ["a header with a wrong checksum",  Buffer.concat([V2.subarray(0, 16), Buffer.from([1]), V2.subarray(17)])],
];

for (const [name, bytes] of refused) {
  scenario(`${name}, from a trusted peer: closed without an answer, and counted`, async (it) => {
    const { origin, proxy } = await proxied(it);
    const client = await it.connect();

    client.send(bytes);
    await client.readToEnd();
    const [line] = await proxy.accessLines(1);

    assert.equal(client.text, "");
    assert.equal(line!["fault"], "proxy_header_malformed");
    assert.equal(origin.received.length, 0);
  });
}

scenario("a header that stalls is closed by timeouts.requestHead", async (it) => {
  const { proxy } = await proxied(it, `timeouts: { requestHead: 300ms }, ${LISTENERS}`);
  const client = await it.connect();

  client.send("PROXY TCP4");
  await client.readToEnd();
  const [line] = await proxy.accessLines(1);

  assert.equal(line!["fault"], "opening_timeout");
});

for (const [name, header] of [
  ["version 1", Buffer.from(V1)],
  ["version 2", V2],
] as const) {
  scenario(`${name} from a peer that is not trusted is a malformed request`, async (it) => {
    const { origin } = await proxied(
      it,
      'listeners: { "*": { proxyProtocol: { from: [10.0.0.0/8] } } }',
    );
    const client = await it.connect();

    client.send(Buffer.concat([header, Buffer.from(GET)]));
    await client.readToEnd();

    assert.equal(firstStatus(client.text), 400);
    assert.equal(origin.received.length, 0);
  });

  scenario(
    `${name} from a peer that is not trusted never reaches a stream's endpoint`,
    async (it) => {
      const server = await RawServer.open();
      it.defer(() => server.close());
      const proxy = await it.proxy(`{ upstreams: { a: "${server.address}" },
      streams: [{ forward: a, proxyProtocol: { from: [10.0.0.0/8] } }] }`);

      for (const at of [1, 3, header.length]) {
        const client = await it.connect();
        await client.sent(header.subarray(0, at));
        await new Promise(setImmediate);
        client.send(header.subarray(at));
        await client.readToEnd();
      }
      const lines = await proxy.accessLines(3);

      assert.deepEqual(
        new Set(lines.map((line) => line["fault"])),
        new Set(["proxy_header_untrusted"]),
      );
      for (const { text } of server.connections) assert.ok(text.length < 12, JSON.stringify(text));
    },
  );
}

scenario(
  "a stream's untrusted client that begins like a header, and is none, is served",
  async (it) => {
    const server = await RawServer.open(echo);
    it.defer(() => server.close());
    await it.proxy(`{ upstreams: { a: "${server.address}" },
    streams: [{ forward: a, proxyProtocol: { from: [10.0.0.0/8] } }] }`);
    const client = await it.connect();

    client.send("PROX");
    await client.readUntil("PROX");
    client.send("IMITY");

    assert.equal(await client.readUntil("IMITY"), "PROXIMITY");
  },
);

scenario("keep-alive and pipelining go on behind a header, all for its client", async (it) => {
  const { origin } = await proxied(it);
  const client = await it.connect();

  client.send(`${V1}${GET}${GET}`);
  await client.readResponse();
  await client.readResponse();
  client.send(GET);
  await client.readResponse();

  const clients = origin.received.map((request) => field(request, "x-forwarded-for"));
  assert.deepEqual(clients, ["203.0.113.7", "203.0.113.7", "203.0.113.7"]);
});

scenario("trust goes by the client of the header, and not by the peer that sent it", async (it) => {
  const { origin } = await proxied(it, `trust: { proxies: [127.0.0.1] }, ${LISTENERS}`);
  const claim = GET.replace("\r\n\r\n", "\r\nx-forwarded-for: 192.0.2.9\r\n\r\n");

  await it.client(`${V1}${claim}`);

  assert.equal(field(origin.received[0], "x-forwarded-for"), "203.0.113.7");
});

scenario(
  "probes that connect and close are no faults; a drain closes who has sent no header",
  async (it) => {
    const { proxy } = await proxied(it);
    for (let count = 0; count < 20; count++) (await it.connect()).close();
    const silent = await it.connect();

    await proxy.stop(3_000);

    await silent.readToEnd();
    assert.equal(silent.text, "");
  },
);

scenario(
  "curl --haproxy-protocol is served",
  async (it) => {
    const { origin, proxy } = await proxied(it);

    const { stdout } = await promisify(execFile)("curl", [
      ...["-sS", "--haproxy-protocol", `http://127.0.0.1:${proxy.port}/`],
    ]);

    assert.equal(stdout, "ok");
    assert.equal(field(origin.received[0], "x-forwarded-for"), "127.0.0.1");
  },
  { skip: skipWithout("curl") },
);

for (const version of ["send-proxy", "send-proxy-v2 proxy-v2-options crc32c,unique-id"]) {
  scenario(
    `HAProxy before us with ${version}: its client's address and port, through HTTP and a stream`,
    async (it) => {
      const origin = await it.origin(OK);
      const server = await RawServer.open(echo);
      it.defer(() => server.close());
      const proxy = await it.proxy(`{
        listeners: { "*": { proxyProtocol: { from: [127.0.0.1] } } },
        upstreams: { app: "${origin.url}", raw: { endpoints: "${server.address}", proxyProtocol: v2 } },
        sites: [{ hosts: ["*"], routes: [{ forward: app }] }],
        streams: [{ listen: "127.0.0.2:0", forward: raw, name: raw, proxyProtocol: { from: [127.0.0.1] } }] }`);
      const [web, raw] = [await freePort(), await freePort()];
      const haproxy = await startHaproxy(
        raw,
        `listen web\n mode tcp\n unique-id-format abc\n bind 127.0.0.1:${web}\n
           server s 127.0.0.1:${proxy.ports[0]} ${version}\n
         listen raw\n mode tcp\n bind 127.0.0.1:${raw}\n
           server s 127.0.0.2:${proxy.ports[1]} ${version}\n`,
      );
      it.defer(() => haproxy[Symbol.asyncDispose]());

      const client = await it.connect(web);
      client.send(GET);
      await client.readResponse();
      const other = await it.connect(raw);
      other.send("hello");
      await other.readUntil("hello");
      await eventually(
        () => server.connections.find(({ text }) => text.endsWith("hello")),
        () => "the bytes of the stream",
      );

      // What we sent on names HAProxy's client, not HAProxy.
      const sent = server.connections.find(({ text }) => text.endsWith("hello"))!.text;
      const { localPort } = other.socket;
      assert.equal(field(origin.received[0], "x-forwarded-for"), "127.0.0.1");
      assert.equal(field(origin.received[0], "x-forwarded-port"), String(web));
      assert.equal(Buffer.from(sent, "latin1").readUInt16BE(24), localPort);
      assert.equal(Buffer.from(sent, "latin1").readUInt16BE(26), raw);
    },
    { skip: skipWithout("haproxy") },
  );
}

scenario(
  "HAProxy before us that ends TLS: the scheme is https, and endpoints are told",
  async (it) => {
    const folder = await mkdtemp(join(tmpdir(), "sluice-haproxy-"));
    it.defer(() => rm(folder, { recursive: true }));
    const { key, cert } = await selfSigned("a.test");
    const file = join(folder, "both.pem");
    await writeFile(file, cert + key);
    const { origin, proxy } = await proxied(it);
    const [secure, plain] = [await freePort(), await freePort()];
    const haproxy = await startHaproxy(
      plain,
      `listen secure\n mode tcp\n bind 127.0.0.1:${secure} ssl crt ${file}\n
         server s 127.0.0.1:${proxy.port} send-proxy-v2-ssl-cn\n
       listen plain\n mode tcp\n bind 127.0.0.1:${plain}\n
         server s 127.0.0.1:${proxy.port} send-proxy-v2-ssl-cn\n`,
    );
    it.defer(() => haproxy[Symbol.asyncDispose]());

    for (const url of [`https://127.0.0.1:${secure}/`, `http://127.0.0.1:${plain}/`]) {
      await promisify(execFile)("curl", ["-sSk", url]);
    }

    const schemes = origin.received.map((request) => field(request, "x-forwarded-proto"));
    assert.deepEqual(schemes, ["https", "http"]);
  },
  { skip: skipWithout("haproxy") || skipWithout("curl") },
);

scenario(
  "limits.connectionsMax counts connections whose header has not come (slowloris)",
  async (it) => {
    const { origin } = await proxied(
      it,
      'listeners: { "*": { proxyProtocol: { from: [127.0.0.0/8] }, limits: { connectionsMax: 2 } } }',
    );
    const slow = [await it.connect(), await it.connect()];
    for (const client of slow) await client.sent("PROXY TCP4 ");

    const third = await it.connect();
    third.send(`${V1}${GET}`);
    await third.readToEnd();
    slow[0]!.send(V1.slice("PROXY TCP4 ".length) + GET);
    const { status } = await slow[0]!.readResponse();

    assert.deepEqual([third.text, status, origin.received.length], ["", 200, 1]);
  },
);
