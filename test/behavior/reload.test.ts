/** A reload touches what has changed and nothing else, with one worker and with several. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:net";
import { WebSocket } from "ws";
import { eventually } from "../support/deadline.ts";
import { freePort } from "../support/free.ts";
import { fieldValue } from "../support/message.ts";
import { GET, OK, type Scenario, scenario } from "../support/scenario.ts";
import { socketServer } from "../support/websocket.ts";

const echo = (socket: WebSocket) => socket.on("message", (data) => socket.send(String(data)));

async function echoServer(it: Scenario) {
  const server = await socketServer(echo);
  it.defer(() => server.close());
  return server;
}

async function openSocket(it: Scenario, port: number, path: string): Promise<WebSocket> {
  const client = new WebSocket(`ws://127.0.0.1:${port}${path}`);
  it.defer(() => client.terminate());
  await once(client, "open");
  return client;
}

async function echoes(client: WebSocket, text: string): Promise<boolean> {
  if (client.readyState !== WebSocket.OPEN) return false;
  client.send(text);
  const [back] = await once(client, "message");
  return String(back) === text;
}

interface Routes {
  readonly app: string;
  readonly routes: string;
  readonly top?: string;
}

function configOf({ app, routes, top = "" }: Routes): string {
  return `{ ${top} upstreams: { app: "${app}" }, sites: [{ hosts: ["*"], routes: [${routes}] }] }`;
}

for (const workers of [1, 2, 4]) {
  const top = `workers: ${workers},`;
  const named = (name: string): string => `reload with ${workers} workers: ${name}`;

  scenario(
    named("100 of them leave 200 WebSockets open and fail no request"),
    async (it) => {
      const server = await echoServer(it);
      const origin = await it.origin(OK);
      const config = (round: number): string => `{ ${top}
      upstreams: { ws: "${server.url}", app: { endpoints: [${origin.url}], maxIdle: ${1 + (round % 7)} } },
      sites: [{ hosts: ["*"], routes: [
        { match: { path: /socket }, name: ws, forward: ws },
        { match: { path: "/r${round % 3}/*" }, name: "r${round % 3}", respond: { status: 204 } },
        { name: rest, forward: app },
      ] }] }`;
      const proxy = await it.proxyHere(config(0));
      const clients = await Promise.all(
        Array.from({ length: 200 }, () => openSocket(it, proxy.port, "/socket")),
      );
      let isOver = false;
      const answers: string[] = [];
      const load = (async () => {
        while (!isOver) answers.push((await it.client(GET)).slice(9, 12));
      })();

      for (let round = 1; round <= 100; round++) {
        await proxy.reload(config(round));
        const client = clients[round % clients.length]!;
        assert.ok(await echoes(client, `round ${round}`));
      }
      isOver = true;
      await load;

      for (const client of clients) assert.ok(await echoes(client, "still there"));
      assert.deepEqual([...new Set(answers)], ["200"]);
      assert.equal(await proxy.metric("sluice_config_version"), 101);
      for (const client of clients) client.close();
      await Promise.all(clients.map((client) => once(client, "close")));
    },
    { timeoutMs: 90_000 },
  );

  scenario(
    named("a tunnel on a route that is gone is cut after its time, with its reason"),
    async (it) => {
      const server = await echoServer(it);
      const timeouts = "timeouts: { drain: 100ms, drainTunnel: 3s },";
      const both =
        "{ match: { path: /old }, name: old, forward: app }, { name: new, forward: app }";
      const proxy = await it.proxyHere(
        configOf({ app: server.url, routes: both, top: top + timeouts }),
      );
      const kept = await openSocket(it, proxy.port, "/socket");
      const gone = await openSocket(it, proxy.port, "/old");

      const one = "{ name: new, forward: app }";
      await proxy.reload(configOf({ app: server.url, routes: one, top: top + timeouts }));
      assert.ok(await echoes(gone, "for a while"));
      await once(gone, "close");

      const lines = await proxy.accessLines(1);
      assert.equal(lines[0]!["fault"], "route_removed");
      assert.equal(lines[0]!["route"], "old");
      assert.ok(await echoes(kept, "untouched"));
      kept.close();
      await once(kept, "close");
    },
  );

  scenario(named("a route that leads elsewhere is another one"), async (it) => {
    const [server, other] = [await echoServer(it), await echoServer(it)];
    const config = (to: string): string => `{ ${top} timeouts: { drainTunnel: 200ms },
      upstreams: { one: "${server.url}", two: "${other.url}" },
      sites: [{ hosts: ["*"], routes: [{ name: ws, forward: ${to} }] }] }`;
    const proxy = await it.proxyHere(config("one"));
    const client = await openSocket(it, proxy.port, "/socket");

    await proxy.reload(config("two"));
    await once(client, "close");

    assert.equal((await proxy.accessLines(1))[0]!["fault"], "route_removed");
  });

  scenario(named("one that cannot be served changes nothing"), async (it) => {
    const origin = await it.origin(OK);
    const taken = createServer().listen(0, "127.0.0.1");
    await once(taken, "listening");
    it.defer(() => taken.close());
    const { port } = taken.address() as { port: number };
    const config = (status: number, extra = ""): string =>
      `{ ${top} ${extra} upstreams: { app: "${origin.url}" },
        sites: [{ hosts: ["*"], routes: [{ respond: { status: ${status} } }] }] }`;
    const proxy = await it.proxyHere(config(201));
    const withPort = config(202).replace(
      'hosts: ["*"]',
      `hosts: ["*"], listen: ["127.0.0.1:${port}"]`,
    );

    await assert.rejects(proxy.reload(withPort), /another process has this port/);
    await assert.rejects(
      proxy.reload(config(202, "log: { access: /nowhere/to/be.log },")),
      /ENOENT/,
    );
    await assert.rejects(proxy.reload(config(202, "worker: 1,")), /did you mean workers/);

    const answers = await Promise.all(Array.from({ length: 8 }, () => it.client(GET)));
    assert.deepEqual([...new Set(answers.map((each) => each.slice(9, 12)))], ["201"]);
    assert.equal(await proxy.metric("sluice_config_version"), 1);
    assert.equal(await proxy.metric("sluice_config_last_reload_successful"), 0);
  });

  scenario(named("a listener goes from every address to one, and back"), async (it) => {
    const port = await freePort();
    const config = (listen: string): string => `{ ${top}
      sites: [{ hosts: ["*"], listen: ["${listen}:${port}"], routes: [{ respond: { status: 204 } }] }] }`;
    const proxy = await it.proxyHere(config(""));
    const answers: string[] = [];

    for (const listen of ["127.0.0.1", "", "127.0.0.1"]) {
      await proxy.reload(config(listen));
      answers.push((await it.client(GET, { port })).slice(9, 12));
    }

    assert.deepEqual(answers, ["204", "204", "204"]);
  });

  scenario(named("a listener that is gone answers what it has, and closes"), async (it) => {
    const origin = await it.origin(`<wait 300ms>${OK}`);
    const port = await freePort();
    const config = (listen: string): string => `{ ${top} upstreams: { app: "${origin.url}" },
      sites: [{ hosts: ["*"], listen: [${listen}], routes: [{ forward: app }] }] }`;
    const proxy = await it.proxyHere(config(`"127.0.0.1:0", "127.0.0.1:${port}"`));
    const client = await it.connect(port);
    client.send(GET);
    while (origin.received.length === 0) await new Promise(setImmediate);

    await proxy.reload(config('"127.0.0.1:0"'));
    const response = await client.readResponse();
    await client.readToEnd();

    assert.equal(response.status, 200);
    assert.equal(fieldValue(response.fields, "connection"), "close");
    await eventually(
      () =>
        it.connect(port).then(
          () => undefined,
          () => true,
        ),
      () => `nobody to listen on ${port}`,
    );
  });

  scenario(named("connectionsMax is for all workers together"), async (it) => {
    const origin = await it.origin(OK);
    const proxy = await it.proxyHere(
      configOf({
        app: origin.url,
        routes: "{ forward: app }",
        top: `${top} limits: { connectionsMax: 5 },`,
      }),
    );

    const clients = await Promise.all(Array.from({ length: 20 }, () => it.connect(proxy.port)));
    // At work for as long as the body does not come: who is idle would make room.
    for (const client of clients)
      client.send("POST / HTTP/1.1\r\nhost: a.test\r\ncontent-length: 1\r\n\r\n");
    const turnedAway = () => clients.filter(({ text }) => text.startsWith("HTTP/1.1 503 ")).length;
    await eventually(
      () => (turnedAway() > 15 - workers ? true : undefined),
      () => `${turnedAway()} turned away`,
    );
    for (const client of clients) client.send("x");
    const settled = await Promise.all(
      clients.map(async (client) => (await client.readResponse()).status === 200),
    );

    const servedCount = settled.filter((isServed) => isServed).length;
    // Two workers may each let in the last one at the same instant.
    assert.ok(servedCount >= 5 && servedCount < 5 + workers, `${servedCount} were served`);
  });
}
