/** A reload touches no stream that goes on, serves new ones, and lets those that are gone end. */
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { loadText } from "../../src/config/load.ts";
import { createProxy } from "../../src/index.ts";
import { Client } from "../support/client.ts";
import { freePort } from "../support/free.ts";
import { echo, RawConnection, RawServer } from "../support/raw-server.ts";
import { scenario } from "../support/scenario.ts";

const config = (streams: string, upstreams: string) =>
  loadText(
    `{ admin: off, log: { access: off }, upstreams: ${upstreams}, streams: ${streams} }`,
    "x",
  );

test("reload: an open stream goes on; the next connection has the new upstream", async (t) => {
  const [old, next] = [
    await RawServer.open(({ socket }) => socket.write("old ")),
    await RawServer.open(({ socket }) => socket.write("new ")),
  ];
  const port = await freePort();
  const streams = `[{ listen: "127.0.0.1:${port}", forward: db, name: db }]`;
  const proxy = await createProxy(config(streams, `{ db: "${old.address}" }`));
  t.after(async () => {
    await proxy.stop(0);
    for (const server of [old, next]) server.close();
  });
  const before = await Client.connect(port);
  await before.readUntil("old ");

  await proxy.reload(config(streams, `{ db: "${next.address}" }`));
  const after = await Client.connect(port);
  await after.readUntil("new ");
  old.connections[0]!.socket.write("still");

  assert.equal(await before.readUntil("still"), "old still");
  for (const client of [before, after]) client.close();
});

test("reload: a port that is gone accepts nobody, and its streams end by themselves", async (t) => {
  const server = await RawServer.open(echo);
  const [port, other] = [await freePort(), await freePort()];
  const upstreams = `{ db: "${server.address}" }`;
  const both = `[{ listen: ["127.0.0.1:${port}", "127.0.0.1:${other}"], forward: db }]`;
  const one = `[{ listen: "127.0.0.1:${other}", forward: db }]`;
  const proxy = await createProxy(config(both, upstreams));
  t.after(async () => {
    await proxy.stop(0);
    server.close();
  });
  const open = await Client.connect(port);
  open.send("a");
  await open.readUntil("a");

  await proxy.reload(config(one, upstreams));
  open.send("b");
  await open.readUntil("ab");

  await assert.rejects(Client.connect(port), /ECONNREFUSED/);
  open.halfClose();
  await open.readToEnd();
  assert.equal(open.text, "ab");
});

test("reload: a port that is taken changes nothing", async (t) => {
  const server = await RawServer.open(echo);
  const port = await freePort();
  const upstreams = `{ db: "${server.address}" }`;
  const proxy = await createProxy(
    config(`[{ listen: "127.0.0.1:${port}", forward: db }]`, upstreams),
  );
  t.after(async () => {
    await proxy.stop(0);
    server.close();
  });
  const taken = `[{ listen: "127.0.0.1:${server.port}", forward: db }]`;

  await assert.rejects(proxy.reload(config(taken, upstreams)), /another process has this port/);
  const client = await Client.connect(port);
  client.send("a");

  assert.equal(await client.readUntil("a"), "a");
  client.close();
});

scenario(
  "a stream from a unix socket to a unix socket, and a reset that no such socket knows",
  async (it) => {
    const folder = await mkdtemp(join(tmpdir(), "sluice-unix-"));
    const path = join(folder, "up.sock");
    const connections: RawConnection[] = [];
    const server = createServer({ allowHalfOpen: true }, (socket) => {
      const connection = new RawConnection(socket);
      connections.push(connection);
      echo(connection);
    }).listen(path);
    it.defer(async () => {
      server.close();
      await rm(folder, { recursive: true, force: true });
    });
    const proxy =
      await it.proxy(`{ upstreams: { db: { endpoints: ["unix:${path}"], proxyProtocol: v1 } },
    streams: [{ listen: ["unix:${join(folder, "down.sock")}", "127.0.0.1:0"], forward: db }] }`);
    const client = await it.connect(proxy.ports[1]!);
    client.send("hello");
    await client.readUntil("hello");

    client.reset();
    const [line] = await proxy.accessLines(1);

    assert.equal(line!["fault"], "client_gone");
    assert.match(connections[0]!.text, /^PROXY TCP4 127\.0\.0\.1 127\.0\.0\.1 \d+ \d+\r\nhello$/);
  },
);
