/** TCP streams: bytes, ends and resets pass as they come, and nobody takes half for the whole. */
import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { connect } from "node:net";
import { eventually } from "../support/deadline.ts";
import { freePort } from "../support/free.ts";
import { startNginx } from "../support/nginx.ts";
import { skipWithout } from "../support/parts.ts";
import { echo, type RawConnection, RawServer } from "../support/raw-server.ts";
import { type Scenario, scenario } from "../support/scenario.ts";

async function server(it: Scenario, act?: (connection: RawConnection) => void) {
  const opened = await RawServer.open(act);
  it.defer(() => opened.close());
  return opened;
}

function streamTo(addresses: string | readonly string[], extra = ""): string {
  const endpoints = [addresses].flat().join(", ");
  return `{ upstreams: { db: { endpoints: [${endpoints}], balance: first } },
    streams: [{ forward: db, name: db ${extra} }] }`;
}

scenario("a stream carries bytes both ways, and a log line says how many", async (it) => {
  const db = await server(it, echo);
  const proxy = await it.proxy(streamTo(db.address));
  const client = await it.connect();

  client.send("hello");
  await client.readUntil("hello");
  client.send(" again");
  await client.readUntil("hello again");
  client.halfClose();
  await client.readToEnd();
  const [line] = await proxy.accessLines(1);

  assert.equal(client.text, "hello again");
  assert.equal(client.wasReset, false);
  assert.deepEqual(
    [
      "protocol",
      "stream",
      "upstream",
      "endpoint",
      "attempts",
      "bytes_in",
      "bytes_out",
      "fault",
    ].map((key) => line![key]),
    ["tcp", "db", "db", db.address, 1, 11, 11, undefined],
  );
});

scenario("a server that speaks first is heard", async (it) => {
  const db = await server(it, ({ socket }) => socket.write("220 ready\r\n"));
  await it.proxy(streamTo(db.address));

  const client = await it.connect();

  assert.equal(await client.readUntil("\r\n"), "220 ready\r\n");
});

scenario("the client's FIN passes, and the answer comes after it", async (it) => {
  const db = await server(it, (connection) => {
    connection.socket.on("end", () => connection.socket.end(`had ${connection.text}`));
  });
  await it.proxy(streamTo(db.address));
  const client = await it.connect();

  client.send("all of it");
  client.halfClose();

  assert.equal(await client.readToEnd(), "had all of it");
});

scenario("the endpoint's FIN passes, and the client may go on sending", async (it) => {
  const db = await server(it, ({ socket }) => socket.end("done"));
  await it.proxy(streamTo(db.address));
  const client = await it.connect();
  await client.readToEnd();

  client.send("still here");
  client.halfClose();

  await eventually(
    () => db.connections[0]?.ended || undefined,
    () => "the client's FIN at the endpoint",
  );
  assert.equal(db.connections[0]!.text, "still here");
});

scenario("a reset of the endpoint reaches the client as a reset, behind the bytes", async (it) => {
  const db = await server(it, (connection) => {
    connection.onText = () => {
      connection.socket.write("half");
      setImmediate(() => connection.socket.resetAndDestroy());
    };
  });
  const proxy = await it.proxy(streamTo(db.address));
  const client = await it.connect();

  client.send("x");
  await client.readToEnd();
  const [line] = await proxy.accessLines(1);

  assert.equal(client.wasReset, true);
  assert.equal(line!["fault"], "stream_reset");
});

scenario("a reset of the client reaches the endpoint as a reset", async (it) => {
  const db = await server(it, echo);
  const proxy = await it.proxy(streamTo(db.address));
  const client = await it.connect();
  client.send("x");
  await client.readUntil("x");

  client.reset();
  const [line] = await proxy.accessLines(1);

  await eventually(
    () => db.connections[0]?.errorCode || undefined,
    () => "a reset at the endpoint",
  );
  assert.equal(db.connections[0]!.errorCode, "ECONNRESET");
  assert.equal(line!["fault"], "client_gone");
});

scenario("100 MiB pass whole in both directions at once", async (it) => {
  const db = await server(it, echo);
  await it.proxy(streamTo(db.address));
  const client = await it.connect();
  const piece = randomBytes(1024 * 1024);
  const sent = createHash("sha256");
  const received = createHash("sha256");
  client.socket.removeAllListeners("data");
  let receivedBytes = 0;
  client.socket.on("data", (bytes) => {
    received.update(bytes);
    receivedBytes += bytes.length;
  });

  for (let count = 0; count < 100; count++) {
    sent.update(piece);
    await client.sent(piece);
  }
  client.halfClose();
  await client.closed.catch(() => {});
  await eventually(
    () => receivedBytes === 100 * piece.length || undefined,
    () => `100 MiB, but had ${receivedBytes}`,
    20_000,
  );

  assert.equal(received.digest("hex"), sent.digest("hex"));
});

scenario(
  "an endpoint that refuses is passed over, and nothing is lost of what was sent",
  async (it) => {
    const gone = await freePort();
    const db = await server(it, echo);
    const proxy = await it.proxy(streamTo([`127.0.0.1:${gone}`, db.address]));
    const client = await it.connect();

    client.send("hello");
    await client.readUntil("hello");
    client.halfClose();
    await client.readToEnd();
    const [line] = await proxy.accessLines(1);

    assert.equal(client.text, "hello");
    assert.equal(line!["attempts"], 2);
    assert.match(
      await proxy.metrics(),
      /sluice_upstream_faults_total\{.*code="connect_refused"\} 1/,
    );
  },
);

scenario("nobody to be reached: the client is reset, after three attempts at most", async (it) => {
  const ports = await Promise.all([1, 2, 3, 4].map(() => freePort()));
  const proxy = await it.proxy(streamTo(ports.map((port) => `127.0.0.1:${port}`)));
  const client = await it.connect();

  await client.readToEnd();
  const [line] = await proxy.accessLines(1);

  assert.equal(client.wasReset, true);
  assert.equal(line!["fault"], "connect_refused");
  assert.equal(line!["attempts"], 3);
});

scenario(
  "limits.connectionsMax: one more is closed at once, and is served when one has gone",
  async (it) => {
    const db = await server(it, echo);
    const proxy = await it.proxy(streamTo(db.address, ", limits: { connectionsMax: 1 }"));
    const first = await it.connect();
    first.send("a");
    await first.readUntil("a");

    const second = await it.connect();
    await second.readToEnd();
    first.halfClose();
    await first.readToEnd();
    await proxy.accessLines(2);
    const third = await it.connect();
    third.send("c");

    assert.equal(second.text, "");
    assert.equal(await third.readUntil("c"), "c");
    assert.match(await proxy.metrics(), /sluice_requests_refused_total\{.*code="overloaded"\} 1/);
  },
);

scenario("an idle stream is cut, and one that moves is not", async (it) => {
  const db = await server(it, echo);
  const proxy = await it.proxy(streamTo(db.address, ", timeouts: { idle: 300ms }"));
  const client = await it.connect();
  client.send("x");
  await client.readUntil("x");

  await client.readToEnd();
  const [line] = await proxy.accessLines(1);

  assert.equal(line!["fault"], "stream_idle");
});

scenario(
  "a drain lets a stream end by itself, and cuts what is left at the deadline",
  async (it) => {
    const db = await server(it, echo);
    const proxy = await it.proxy(streamTo(db.address));
    const patient = await it.connect();
    const ending = await it.connect();
    for (const client of [patient, ending]) {
      client.send("x");
      await client.readUntil("x");
    }

    const stopped = proxy.stop(1_000);
    ending.send("y");
    await ending.readUntil("xy");
    ending.halfClose();
    await ending.readToEnd();
    await stopped;

    assert.equal(ending.text, "xy");
    await patient.readToEnd();
    await assert.rejects(it.connect(), /ECONNREFUSED/);
  },
);

scenario("the counters move while a stream is open, and the status names it", async (it) => {
  const db = await server(it, echo);
  const proxy = await it.proxy(streamTo(db.address));
  const client = await it.connect();
  client.send("12345");
  await client.readUntil("12345");

  const text = await proxy.metrics();
  const status = await fetch(`http://127.0.0.1:${proxy.adminPort}/api/status`);
  const { streams, listeners } = (await status.json()) as {
    streams: unknown[];
    listeners: { connections: number }[];
  };

  assert.match(text, /^sluice_stream_received_bytes_total\{stream="db"\} 5$/m);
  assert.match(text, /^sluice_stream_sent_bytes_total\{stream="db"\} 5$/m);
  assert.match(text, /^sluice_stream_sessions_open\{stream="db"\} 1$/m);
  assert.equal(listeners[0]!.connections, 1);
  assert.deepEqual(streams, [
    { name: "db", listener: "127.0.0.1:0", protocol: "tcp", sni: [], upstream: "db" },
  ]);
});

scenario(
  "a real HTTP server through a stream: twenty requests at once",
  async (it) => {
    const nginx = await startNginx('location / { return 200 "through\\n"; }');
    it.defer(() => nginx[Symbol.asyncDispose]());
    const { port } = await it.proxy(streamTo(`127.0.0.1:${nginx.port}`));

    const answers = await Promise.all(
      Array.from({ length: 20 }, async () => (await fetch(`http://127.0.0.1:${port}/`)).text()),
    );

    assert.deepEqual(new Set(answers), new Set(["through\n"]));
  },
  { skip: skipWithout("nginx") },
);

scenario("clients that connect and leave at once, many times, leave nothing behind", async (it) => {
  const db = await server(it, echo);
  const proxy = await it.proxy(streamTo(db.address));

  for (let count = 0; count < 300; count++) {
    const socket = connect(proxy.port, "127.0.0.1").on("error", () => {});
    socket.once("connect", () => {
      if (count % 3 === 0) socket.resetAndDestroy();
      else if (count % 3 === 1) socket.destroy();
      else socket.end("x");
    });
  }
  await proxy.accessLines(300);

  await eventually(
    async () => {
      const text = await proxy.metrics();
      const isEmpty =
        /^sluice_stream_sessions_open\{stream="db"\} 0$/m.test(text) &&
        /^sluice_connections_open\{.*\} 0$/m.test(text) &&
        /^sluice_upstream_connections_open\{.*\} 0$/m.test(text) &&
        /^sluice_upstream_requests_active\{.*\} 0$/m.test(text);
      return isEmpty || undefined;
    },
    () => "all sessions over",
  );
});
