import assert from "node:assert/strict";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { type AddressInfo, createServer as createPlain } from "node:net";
import { after, test } from "node:test";
import { createServer, type Server, type TLSSocket, type TlsOptions } from "node:tls";
import { Authority } from "../../test/support/authority.ts";
import { eventually } from "../../test/support/deadline.ts";
import { SimClock } from "../../test/support/sim-clock.ts";
import { Ear } from "../../test/support/wire-stage.ts";
import { SystemNetwork } from "./system-network.ts";
import type { TlsClient, TlsIdentity } from "./world.ts";

const authority = await Authority.create();
const leaf = await authority.issue("DNS:app.test");
after(() => authority.remove());

const IDENTITY: TlsIdentity = {
  ca: [authority.caFile],
  cert: undefined,
  key: undefined,
  verify: true,
  minVersion: "1.2",
};

async function listening(
  onSocket: (socket: TLSSocket) => void,
  options: TlsOptions = {},
): Promise<Server> {
  const server = createServer({ cert: leaf.cert, key: leaf.key, ...options }, (socket) => {
    socket.on("error", () => {});
    onSocket(socket);
  });
  server.on("tlsClientError", () => {});
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return server;
}

function stage(clock = new SimClock()) {
  const lines: string[] = [];
  const say = (message: string) => void lines.push(message);
  const network = new SystemNetwork(clock, { info: say, warn: say });
  const connect = (server: { address(): unknown }, more: Partial<TlsClient> = {}, bytes = 1024) => {
    const { port } = server.address() as AddressInfo;
    const tls = { serverName: "app.test", alpn: [], identity: IDENTITY, ...more };
    const ear = new Ear(bytes);
    const wire = network.connect({ host: "127.0.0.1", port }, ear, tls);
    ear.on(wire, false);
    wire.on("secureConnect", () => ear.heard.push("secureConnect"));
    return ear;
  };
  return { connect, lines, clock };
}

const has = (ear: Ear, what: string) =>
  eventually(
    () => (ear.heard.includes(what) ? true : undefined),
    () => `${what}, but ${ear.heard}`,
  );

test("SystemNetwork, secured: what is read lies in the owner's buffer, whole and in order", async () => {
  const body = Buffer.alloc(3 << 20);
  for (let at = 0; at < body.length; at += 4) body.writeUInt32BE(at, at);
  const server = await listening((socket) => socket.end(body));
  const { connect } = stage();

  const ear = connect(server, {}, 1000);
  await has(ear, "end");

  assert.ok(Buffer.concat(ear.parts).equals(body)); // Ear holds that each read is in its buffer
  assert.deepEqual(ear.heard.slice(0, 2), ["connect", "secureConnect"]);
  ear.wire.destroy();
  server.close();
});

test("SystemNetwork, secured: a wire that is paused reads nothing until it is resumed", async () => {
  const server = await listening((socket) => socket.write(Buffer.alloc(1 << 20)));
  const { connect } = stage();
  const ear = connect(server, {}, 16 * 1024);
  let reads = 0;
  ear.onBytes = () => {
    if (++reads === 3) ear.wire.pause();
  };

  await eventually(
    () => (reads >= 3 ? true : undefined),
    () => "three reads",
  );
  await new Promise((resolve) => setTimeout(resolve, 50));
  // What the last read of the wire itself had deciphered may still come.
  assert.ok(reads <= 3 + 4, `${reads} reads`);
  ear.wire.resume();
  await eventually(
    () => (ear.bytes === 1 << 20 ? true : undefined),
    () => `all, but ${ear.bytes}`,
  );

  ear.wire.destroy();
  server.close();
});

test("SystemNetwork, secured: says which protocol was chosen", async () => {
  const server = await listening(() => {}, { ALPNProtocols: ["h2", "http/1.1"] });
  const { connect } = stage();
  const both = connect(server, { alpn: ["h2", "http/1.1"] });
  const one = connect(server, { alpn: ["http/1.1"] });
  const none = connect(server, { alpn: ["spdy/1"] });
  await Promise.all([has(both, "secureConnect"), has(one, "secureConnect"), has(none, "close")]);

  assert.deepEqual([both.wire.alpnProtocol, one.wire.alpnProtocol], ["h2", "http/1.1"]);
  assert.ok(none.heard.includes("ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL"), `${none.heard}`);
  for (const { wire } of [both, one]) wire.destroy();
  server.close();
});

test("SystemNetwork, secured: what goes ahead of the handshake arrives as it is", async () => {
  const server = await listening((socket) => socket.on("data", (bytes) => socket.write(bytes)));
  let ahead = "";
  const front = createPlain((socket) => {
    socket.once("data", (bytes: Buffer) => {
      ahead = bytes.toString("latin1", 0, 5);
      socket.pause();
      socket.unshift(bytes.subarray(5));
      server.emit("connection", socket);
    });
  });
  front.listen(0, "127.0.0.1");
  await once(front, "listening");
  const { connect } = stage();

  const ear = connect(front, { preamble: Buffer.from("ahead") }, 3);
  await has(ear, "secureConnect");
  ear.wire.write("there and back", "latin1");
  await eventually(
    () => (ear.text === "there and back" ? true : undefined),
    () => ear.text,
  );

  assert.equal(ahead, "ahead");
  ear.wire.destroy();
  front.close();
  server.close();
});

test("SystemNetwork, secured: files that change are read again, and what cannot be used is not", async () => {
  const other = await Authority.create();
  const stranger = await other.issue("DNS:app.test");
  const server = await listening(() => {}, { cert: stranger.cert, key: stranger.key });
  const caFile = `${other.folder}/changing.pem`;
  await writeFile(caFile, "nothing of use");
  const identity = { ...IDENTITY, ca: [authority.caFile, caFile] };
  const { connect, lines, clock } = stage();
  const heard = async () => {
    const ear = connect(server, { identity });
    await eventually(
      () => (ear.heard.length > 1 ? true : undefined),
      () => "an outcome",
    );
    ear.wire.destroy();
    return ear.heard[1];
  };

  const before = await heard();
  await writeFile(caFile, await (await import("node:fs/promises")).readFile(other.caFile));
  const tooSoon = await heard();
  await clock.advance(10_000);
  const after = await heard();

  assert.match(String(before), /SELF_SIGNED|UNABLE/);
  assert.match(String(tooSoon), /SELF_SIGNED|UNABLE/);
  assert.equal(after, "secureConnect");
  assert.deepEqual(lines, ["TLS files for endpoints read again"]);
  server.close();
  await other.remove();
});

test("SystemNetwork, secured: files that are gone are an error on the wire, and of no other", async () => {
  const server = await listening(() => {});
  const { connect } = stage();

  const ear = connect(server, { identity: { ...IDENTITY, ca: ["/nowhere/ca.pem"] } });
  await has(ear, "close");

  assert.deepEqual(ear.heard, ["TLS_FILES", "close"]);
  server.close();
});

test("SystemNetwork, secured: to reset is to destroy", async () => {
  const gone: string[] = [];
  const server = await listening((socket) => socket.on("close", () => gone.push("close")));
  const { connect } = stage();
  const ear = connect(server);
  await has(ear, "secureConnect");

  ear.wire.resetAndDestroy();
  await has(ear, "close");

  await eventually(
    () => gone[0],
    () => "the end of the other side",
  );
  server.close();
});
