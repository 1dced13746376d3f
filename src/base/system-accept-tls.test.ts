// What a wire may be relied on for when TLS ends on it: the promises of world.ts, over real sockets.
import assert from "node:assert/strict";
import { once } from "node:events";
import net from "node:net";
import { type TestContext, test } from "node:test";
import { type ConnectionOptions, connect, createSecureContext, type TLSSocket } from "node:tls";
import { selfSigned } from "../../test/support/certificate.ts";
import { eventually } from "../../test/support/deadline.ts";
import { skipWithout } from "../../test/support/parts.ts";
import { realWorld } from "./real-world.ts";
import type { TlsFacts, Wire } from "./world.ts";

const skip = skipWithout("openssl");
let made: Promise<{ readonly key: string; readonly cert: string }> | undefined;

interface Pair {
  readonly wire: Wire; // ours
  readonly facts: TlsFacts;
  readonly client: TLSSocket;
  readonly below: net.Socket; // of the client
  readonly heard: string[];
  readonly text: () => string;
}

/** A client and our end, after the handshake. The client's records go through a socket of ours. */
async function pair(t: TestContext, options: ConnectionOptions = {}): Promise<Pair> {
  made ??= selfSigned("a.test");
  const context = createSecureContext(await made);
  const { network } = realWorld({ seed: 1 });
  const secured = Promise.withResolvers<{ readonly wire: Wire; readonly facts: TlsFacts }>();
  const door = await network.listen({ host: "127.0.0.1", port: 0 }, (raw) => {
    const first = (bytes: Uint8Array): void => {
      raw.off("data", first);
      const server = { context, alpn: ["h2", "http/1.1"] };
      const wire: Wire = network.acceptTls!(raw, bytes, server, {
        secured: (facts) => secured.resolve({ wire, facts }),
        failed: (why) => secured.reject(new Error(why)),
      });
    };
    raw.on("data", first);
  });
  const below = net.connect(door.address.port, "127.0.0.1");
  const client = connect({ socket: below, rejectUnauthorized: false, ...options });
  client.on("error", () => {});
  t.after(async () => {
    client.destroy();
    await door[Symbol.asyncDispose]();
  });
  const { wire, facts } = await secured.promise;
  t.after(() => wire.destroy());
  const heard: string[] = [];
  const parts: Buffer[] = [];
  wire.on("data", (bytes) => parts.push(Buffer.from(bytes)));
  wire.on("end", () => heard.push("end"));
  wire.on("close", () => heard.push("close"));
  wire.on("error", ({ code }) => heard.push(String(code)));
  return { wire, facts, client, below, heard, text: () => Buffer.concat(parts).toString("latin1") };
}

async function until(isSo: () => boolean, what: string): Promise<void> {
  await eventually(
    () => (isSo() ? true : undefined),
    () => what,
  );
}

interface Binding {
  binding(name: string): object;
}

/** The end of the TCP connection, of which TLS knows nothing. */
function finBelow(below: net.Socket): void {
  const { ShutdownWrap } = (process as unknown as Binding).binding("stream_wrap") as {
    ShutdownWrap: new () => { oncomplete: () => void };
  };
  const request = new ShutdownWrap();
  request.oncomplete = () => {};
  (below as unknown as { _handle: { shutdown(request: object): void } })._handle.shutdown(request);
}

test("acceptTls: says what was agreed on, and bytes go both ways", { skip }, async (t) => {
  const both = await pair(t, { servername: "A.Test", ALPNProtocols: ["http/1.1", "h2"] });

  both.client.write("question");
  await until(() => both.text() === "question", "the question");
  both.wire.write("answer", "latin1");
  const [answer] = await once(both.client, "data");

  assert.equal(String(answer), "answer");
  assert.deepEqual(both.facts, {
    version: "TLSv1.3",
    cipher: both.client.getCipher().standardName,
    serverName: "a.test",
    alpn: "h2", // ours is the choice
    isResumed: false,
    certificate: undefined,
  });
});

for (const version of ["TLSv1.3", "TLSv1.2"] as const) {
  const only = { minVersion: version, maxVersion: version };

  test(`acceptTls: close_notify is an end, and we may answer (${version})`, { skip }, async (t) => {
    const both = await pair(t, { ...only, allowHalfOpen: true } as ConnectionOptions);

    both.client.end("question");
    await until(() => both.heard.includes("end"), "the end");
    both.wire.write("answer", "latin1");
    const [answer] = await once(both.client, "data");
    both.wire.end();
    await until(() => both.heard.includes("close"), "the close");

    assert.equal(both.text(), "question");
    assert.equal(String(answer), "answer");
    assert.deepEqual(both.heard, ["end", "close"]);
  });

  test(`acceptTls: a FIN without close_notify is a cut (${version})`, { skip }, async (t) => {
    const both = await pair(t, only);

    both.client.write("question");
    await until(() => both.text() === "question", "the question");
    finBelow(both.below);
    await until(() => both.heard.includes("close"), "the close");

    assert.deepEqual(both.heard, ["ERR_TLS_TRUNCATED", "close"]);
  });

  test(`acceptTls: bytes that are no record are a cut (${version})`, { skip }, async (t) => {
    const both = await pair(t, only);

    both.below.write(Buffer.from([23, 3, 3, 0, 20, ...Buffer.alloc(20, 7)]));
    await until(() => both.heard.includes("close"), "the close");

    assert.match(both.heard[0]!, /^ERR_SSL_/);
    assert.equal(both.heard.includes("end"), false);
  });
}

test("acceptTls: what lies ahead of a close_notify is read first, also when paused", {
  skip,
}, async (t) => {
  const both = await pair(t);
  both.wire.pause();

  both.client.end("x".repeat(20_000));
  await once(both.client, "finish");
  assert.deepEqual(both.heard, []);
  both.wire.resume();
  await until(() => both.heard.includes("end"), "the end");

  assert.equal(both.text().length, 20_000);
  assert.deepEqual(both.heard, ["end"]);
});

test("acceptTls: a wire that is paused holds the client back", { skip }, async (t) => {
  const both = await pair(t);
  both.wire.pause();

  const bytes = 8 * 1024 * 1024;
  both.client.write(Buffer.alloc(bytes));
  await new Promise((resolve) => setTimeout(resolve, 200));
  assert.ok(both.client.writableLength > 0);
  both.wire.resume();
  await until(() => both.text().length === bytes, "all of it");
});

test("acceptTls: a buffer that was written may be used again once none of it is held", {
  skip,
}, async (t) => {
  const both = await pair(t);
  const parts: Buffer[] = [];
  both.client.on("data", (bytes: Buffer) => parts.push(bytes));
  const buffer = Buffer.alloc(60_000, "a");

  both.wire.write(buffer);
  assert.ok(both.wire.writableLength > 0);
  assert.equal(both.wire.heldLength, 0);
  buffer.fill("b");
  both.wire.write(buffer);
  assert.equal(both.wire.heldLength, 60_000); // behind the first
  await until(() => Buffer.concat(parts).length === 120_000, "both");

  assert.equal(Buffer.concat(parts).toString(), "a".repeat(60_000) + "b".repeat(60_000));
  assert.equal(both.wire.heldLength, 0);
});

test("acceptTls: resetAndDestroy() is an RST at once, also with bytes that nobody takes", {
  skip,
}, async (t) => {
  const both = await pair(t);
  const told = new Promise<NodeJS.ErrnoException>((resolve) => both.client.on("error", resolve));
  both.client.pause();
  both.wire.write(Buffer.alloc(8 * 1024 * 1024));

  both.wire.resetAndDestroy();
  await until(() => both.heard.includes("close"), "the close");

  assert.equal(both.wire.destroyed, true);
  both.client.resume();
  both.client.on("data", () => {});
  assert.equal((await told).code, "ECONNRESET");
});

test("acceptTls: destroy() is no close_notify, destroySoon() is one", { skip }, async (t) => {
  const [cut, ended] = [await pair(t), await pair(t)];
  const heard: string[] = [];
  for (const [name, { client }] of [["cut", cut] as const, ["ended", ended] as const]) {
    client.on("data", (bytes) => heard.push(`${name} ${bytes}`));
    client.on("end", () => heard.push(`${name} end`));
  }

  ended.wire.write("all", "latin1");
  ended.wire.destroySoon();
  cut.wire.destroy();
  await until(() => ended.heard.includes("close") && cut.heard.includes("close"), "both");
  await until(() => heard.includes("ended end"), "its end");

  assert.deepEqual(
    heard.filter((each) => each.startsWith("ended")),
    ["ended all", "ended end"],
  );
});
