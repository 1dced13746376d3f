/** What must not get through a handshake, nor cost us more than a closed connection (T3, T6, D6, D12). */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { connect as connectTls } from "node:tls";
import { eventually } from "../support/deadline.ts";
import { helloOf } from "../support/hello.ts";
import { part, skipWithout } from "../support/parts.ts";
import { type Scenario, scenario } from "../support/scenario.ts";
import { certificateFor, tlsConnect, tlsRefusal, tlsTalk } from "../support/tls-stage.ts";

const skip = skipWithout("openssl");
const GET = "GET / HTTP/1.1\r\nhost: a.test\r\nconnection: close\r\n\r\n";

async function site(it: Scenario, listener = "{}") {
  const { cert, key } = await certificateFor(it, ["a.test"]);
  return it.proxyHere(`{ listeners: { "*": ${listener} }, sites: [
    { hosts: a.test, tls: { cert: ${cert}, key: ${key} }, routes: [{ respond: { status: 200 } }] }] }`);
}

/** Nothing is left of who came, and whoever comes is served. */
async function isWell(proxy: Awaited<ReturnType<typeof site>>): Promise<void> {
  assert.match(await tlsTalk(await tlsConnect(proxy.port, "a.test"), GET), /^HTTP\/1\.1 200 /);
  await eventually(
    async () => {
      const { listeners } = (await proxy.status()) as { listeners: { connections: number }[] };
      return listeners[0]!.connections === 0 ? true : undefined;
    },
    () => "no connection left",
  );
  assert.equal(await proxy.metric("sluice_bugs_total"), 0);
}

scenario(
  "a client who goes away after any byte of its hello leaves nothing behind",
  async (it) => {
    const proxy = await site(it);
    const hello = await helloOf("a.test");

    for (let end = 0; end <= hello.length; end += end < 60 ? 1 : 37) {
      const client = await it.connect(proxy.port);
      await client.sent(hello.subarray(0, end));
      if (end % 2 === 0) client.reset();
      else client.halfClose();
    }
    await isWell(proxy);
  },
  { skip, timeoutMs: 60_000 },
);

scenario(
  "every byte of a hello, flipped, ends in a handshake or a closed connection",
  async (it) => {
    const proxy = await site(it);
    const hello = await helloOf("a.test");

    for (let at = 0; at < hello.length; at += at < 150 ? 1 : 23) {
      const bytes = Buffer.from(hello);
      bytes[at]! ^= 0xff;
      const client = await it.connect(proxy.port);
      await client.sent(bytes);
      client.halfClose();
      await client.readToEnd();
      client.close();
    }
    await isWell(proxy);
  },
  { skip, timeoutMs: 60_000 },
);

scenario(
  "who stalls has the time of the handshake in all, before the hello and behind it (D6)",
  async (it) => {
    const proxy = await site(it, "{ timeouts: { handshake: 500ms } }");
    const hello = await helloOf("a.test");
    const stalls = [hello.subarray(0, 40), hello];

    for (const bytes of [Buffer.alloc(0), ...stalls]) {
      const client = await it.connect(proxy.port);
      await client.sent(bytes);
      await client.readToEnd();
      client.close();
    }
    const lines = await proxy.accessLines(2); // who said nothing is not told of
    assert.deepEqual(
      lines.map((line) => [line["fault"], line["fault_detail"]]),
      [
        ["opening_timeout", "ClientHello"],
        ["handshake_timeout", undefined],
      ],
    );
    await isWell(proxy);
  },
  { skip },
);

scenario(
  "plain HTTP, a PRI preface and garbage are closed without an answer of HTTP",
  async (it) => {
    const proxy = await site(it);

    for (const bytes of [
      GET,
      "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
      "\x16\x03\x01\x00\x05hello",
      "\0".repeat(600),
    ]) {
      const client = await it.connect(proxy.port);
      await client.sent(bytes);
      await client.readToEnd();
      assert.doesNotMatch(client.text, /HTTP/);
      client.close();
    }
    await isWell(proxy);
  },
  { skip },
);

scenario(
  "a preface of HTTP/2 where ALPN said HTTP/1.1 is no way around it (T6)",
  async (it) => {
    const proxy = await site(it);
    const socket = await tlsConnect(proxy.port, "a.test", { ALPNProtocols: ["http/1.1"] });

    const answer = await tlsTalk(socket, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");

    assert.match(answer, /^HTTP\/1\.1 (400|501|505) /);
    await isWell(proxy);
  },
  { skip },
);

scenario(
  "a client who wants to renegotiate is refused (D12)",
  async (it) => {
    const proxy = await site(it);
    const socket = await tlsConnect(proxy.port, "a.test", { maxVersion: "TLSv1.2" });

    const refused = new Promise<Error | null>((resolve) => {
      socket.on("error", resolve);
      socket.renegotiate({ rejectUnauthorized: false }, resolve);
    });

    assert.match(String((await refused)?.message), /no renegotiation|no_renegotiation/i);
    socket.destroy();
    await isWell(proxy);
  },
  { skip },
);

scenario(
  "KeyUpdates are answered when there is something to say, and keep nobody alive (D12)",
  async (it) => {
    const proxy = await site(it, "{ timeouts: { keepAlive: 1s } }");
    const child = spawn(part("openssl")!, [
      ...["s_client", "-connect", `127.0.0.1:${proxy.port}`, "-servername", "a.test"],
    ]);
    let said = "";
    child.stderr.setEncoding("latin1").on("data", (text: string) => {
      said += text;
    });
    it.defer(() => child.kill());
    child.stdin.on("error", () => {});
    const exit = once(child, "exit");

    const flood = setInterval(() => child.stdin.write("K\n"), 5); // one read, one command
    await exit;
    clearInterval(flood);

    const count = said.match(/KEYUPDATE/g)?.length ?? 0;
    assert.ok(count > 20, `${count} updates`);
    await isWell(proxy);
  },
  { skip },
);

scenario(
  "so many handshakes in a second and no more: from one address, and in all (D12)",
  async (it) => {
    const proxy = await site(it, "{ limits: { handshakesPerClient: 3 } }");

    const outcomes = await Promise.all(
      Array.from({ length: 12 }, () => tlsRefusal(proxy.port, "a.test")),
    );

    const secured = outcomes.filter((each) => each === "secured").length;
    assert.ok(secured >= 3 && secured <= 6, outcomes.join()); // two seconds may be touched
    const shed = 'sluice_requests_refused_total{listener="127.0.0.1:0",code="handshakes_limited"}';
    assert.equal(await proxy.metric(shed), 12 - secured);
    await new Promise((resolve) => setTimeout(resolve, 1_100));
    await isWell(proxy);
  },
  { skip },
);

scenario(
  "a hello whose name is no name of a host gets nothing",
  async (it) => {
    const proxy = await site(it);
    const hello = await helloOf("a.test");
    const at = hello.indexOf("a.test");
    const evil = Buffer.from(hello);
    evil.write("a.tes\0", at, "latin1");

    const client = await it.connect(proxy.port);
    await client.sent(evil);
    await client.readToEnd();

    assert.equal(client.text, "");
    const [line] = await proxy.accessLines(1);
    assert.equal(line!["fault"], "client_hello_malformed");
    await isWell(proxy);
  },
  { skip },
);

scenario(
  "an abort at every step of a request over TLS leaves nothing behind",
  async (it) => {
    const proxy = await site(it);
    for (let bytes = 0; bytes < GET.length; bytes += 5) {
      const socket = connectTls({
        ...{ port: proxy.port, host: "127.0.0.1", servername: "a.test" },
        ...{ rejectUnauthorized: false, ALPNProtocols: ["http/1.1"] },
      });
      socket.on("error", () => {});
      await once(socket, "secureConnect");
      await new Promise<void>((resolve) => socket.write(GET.slice(0, bytes), () => resolve()));
      if (bytes % 2 === 0) socket.destroy();
      else socket.end();
    }
    await isWell(proxy);
  },
  { skip, timeoutMs: 60_000 },
);
