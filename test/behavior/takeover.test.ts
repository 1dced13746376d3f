/** An upgrade: another process takes the listening sockets over, and no client notices. */
import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { eventually } from "../support/deadline.ts";
import { freePort } from "../support/free.ts";
import { skipWithout } from "../support/parts.ts";
import type { ProxyProcess } from "../support/proxy.ts";
import { firstStatus, GET, OK, type Scenario, scenario } from "../support/scenario.ts";
import { SWITCHED, UPGRADE } from "../support/sim-messages.ts";
import { SteadyLoad } from "../support/steady-load.ts";
import { certificateFor, tlsConnect, tlsTalk } from "../support/tls-stage.ts";
import { echo, type UdpClient, udpClient, udpServer } from "../support/udp.ts";

function config(url: string, more = ""): string {
  return `
    ${more}
    upstreams: { app: "${url}" }
    sites: [{ hosts: ["*"], routes: [{ forward: app }] }]`;
}

/** One request over TLS; whether its session was resumed, and one to resume. */
async function visit(port: number, session?: Buffer) {
  const socket = await tlsConnect(port, "a.test", session === undefined ? {} : { session });
  const isResumed = socket.isSessionReused();
  let fresh = session;
  socket.on("session", (bytes: Buffer) => {
    fresh = bytes;
  });
  await tlsTalk(socket, "GET / HTTP/1.1\r\nhost: a.test\r\nconnection: close\r\n\r\n");
  return { isResumed, session: fresh! };
}

interface Asked {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
}

async function ask(proxy: ProxyProcess, method: string, path: string): Promise<Asked> {
  const answer = await fetch(`http://127.0.0.1:${proxy.adminPort}${path}`, {
    method,
    headers: { connection: "close" },
  });
  return { status: answer.status, body: (await answer.json()) as Asked["body"] };
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

async function gone(pid: number, patienceMs = 20_000): Promise<void> {
  await eventually(
    () => (isAlive(pid) ? undefined : true),
    () => `process ${pid} to be gone`,
    patienceMs,
  );
}

/** Ends the process that serves now, which is no child of ours. */
async function end(pid: number): Promise<void> {
  process.kill(pid, "SIGTERM");
  await gone(pid);
}

async function started(it: Scenario, text: string): Promise<ProxyProcess> {
  const proxy = await it.process(text);
  await eventually(
    () => ask(proxy, "GET", "/health/ready").catch(() => undefined),
    () => "the admin listener",
  );
  return proxy;
}

for (const workers of [1, 2]) {
  scenario(
    `takeover: three upgrades under load fail nothing, with ${workers} worker(s)`,
    async (it) => {
      const origin = await it.origin(`<wait 3ms>${OK}`);
      const proxy = await started(it, config(origin.url, `workers: ${workers}`));
      const load = new SteadyLoad({ port: proxy.port, keepAlive: 8, fresh: 6, everyMs: 5 });
      await load.untilServed(100);

      let pid = proxy.child.pid!;
      for (let round = 0; round < 3; round++) {
        const before = pid;
        const { status, body } = await ask(proxy, "POST", "/api/upgrade");
        assert.equal(status, 200, JSON.stringify(body));
        pid = Number(body["pid"]);
        await load.untilServed(200);
        await gone(before);
        await load.untilServed(100);
        const now = await ask(proxy, "GET", "/api/status");
        assert.deepEqual([now.body["pid"], now.body["readiness"]], [pid, "ready"]);
      }
      await load.stop();
      await end(pid);

      assert.deepEqual(load.failures, []);
      assert.equal(await proxy.exit, 0);
    },
    { timeoutMs: 120_000 },
  );
}

scenario("takeover: SIGUSR2 does it too", async (it) => {
  const origin = await it.origin(OK);
  const proxy = await started(it, config(origin.url));

  proxy.child.kill("SIGUSR2");
  await gone(proxy.child.pid!);
  const [, pid] = /process (\d+) serves, this one finishes/.exec(proxy.stderr()) ?? [];

  assert.equal(firstStatus(await it.client(GET)), 200);
  await end(Number(pid));
});

scenario(
  "takeover: a WebSocket stays with the old process until it ends",
  async (it) => {
    const origin = await it.origin(`<raw>${SWITCHED}`);
    const proxy = await started(it, config(origin.url));
    const client = await it.connect();
    client.send(UPGRADE);
    await client.readUntil("101 Switching");
    const connection = await eventually(
      () => origin.connections[0],
      () => "the origin's end",
    );

    const { body } = await ask(proxy, "POST", "/api/upgrade");
    client.send("ping");
    await eventually(
      () => (connection.raw.endsWith("ping") ? true : undefined),
      () => `ping, but had ${connection.raw}`,
    );
    const during = isAlive(proxy.child.pid!);
    client.close();
    await gone(proxy.child.pid!);
    await end(Number(body["pid"]));

    assert.equal(during, true);
  },
  { timeoutMs: 60_000 },
);

scenario(
  "takeover: sessions of TLS are resumed by the new process",
  async (it) => {
    const { cert, key } = await certificateFor(it, ["a.test"]);
    const proxy = await started(
      it,
      `
      sites: [{ hosts: a.test, tls: { cert: ${cert}, key: ${key} }, routes: [{ respond: { status: 200 } }] }]`,
    );
    const { session } = await visit(proxy.port);

    const { body } = await ask(proxy, "POST", "/api/upgrade");
    await gone(proxy.child.pid!);
    const { isResumed } = await visit(proxy.port, session);
    await end(Number(body["pid"]));

    assert.equal(isResumed, true);
  },
  { timeoutMs: 60_000, skip: skipWithout("openssl") },
);

scenario("takeover: a new process that cannot start changes nothing", async (it) => {
  const folder = await mkdtemp(join(tmpdir(), "sluice-takeover-"));
  it.defer(() => rm(folder, { recursive: true }));
  const file = join(folder, "weight");
  await writeFile(file, "1");
  const origin = await it.origin(OK);
  const proxy = await started(
    it,
    `
    upstreams: { app: [{ url: "${origin.url}", weight: "\${file:${file}}" }] }
    sites: [{ hosts: ["*"], routes: [{ forward: app }] }]`,
  );
  await writeFile(file, "none");

  const failed = await ask(proxy, "POST", "/api/upgrade");
  const served = firstStatus(await it.client(GET.replace("host", "connection: close\r\nhost")));
  await writeFile(file, "2");
  const { status, body } = await ask(proxy, "POST", "/api/upgrade");
  await gone(proxy.child.pid!);
  await end(Number(body["pid"]));

  assert.deepEqual([failed.status, failed.body["reason"]], [500, "upgrade_failed"]);
  assert.match(String(failed.body["about"]), /ended with code 1 before it was ready/);
  assert.deepEqual([served, status], [200, 200]);
});

scenario(
  "takeover: unix sockets change hands too, and are removed in the end",
  async (it) => {
    const folder = await mkdtemp(join(tmpdir(), "sluice-takeover-"));
    it.defer(() => rm(folder, { recursive: true }));
    const path = join(folder, "front.sock");
    const origin = await it.origin(OK);
    const proxy = await started(
      it,
      `
    upstreams: { app: "${origin.url}" }
    sites:
      - { hosts: ["*"], routes: [{ forward: app }] }
      - { hosts: [unix.test], listen: ["unix:${path}"], routes: [{ forward: app }] }`,
    );
    let isOver = false;
    let served = 0;
    const failures: string[] = [];
    const load = (async () => {
      while (!isOver) {
        const answer = await throughSocket(path).catch((error: Error) => error.message);
        if (answer.startsWith("HTTP/1.1 200")) served++;
        else failures.push(answer);
      }
    })();

    const { body } = await ask(proxy, "POST", "/api/upgrade");
    await gone(proxy.child.pid!);
    const before = served;
    await eventually(
      () => (served > before + 20 ? true : undefined),
      () => "more requests",
    );
    isOver = true;
    await load;
    await end(Number(body["pid"]));

    assert.deepEqual(failures, []);
    await assert.rejects(readFile(path), { code: "ENOENT" });
  },
  { timeoutMs: 60_000 },
);

function throughSocket(path: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = "";
    const socket = connect(path, () => {
      socket.write("GET / HTTP/1.1\r\nhost: unix.test\r\nconnection: close\r\n\r\n");
    });
    socket.on("data", (bytes) => {
      text += bytes.toString("latin1");
    });
    socket.on("error", reject);
    socket.on("close", () => resolve(text));
  });
}

for (const workers of [1, 2]) {
  scenario(
    `takeover: the sockets of streams go over as well, with ${workers} worker(s)`,
    async (it) => {
      const origin = await it.origin(OK);
      const port = await freePort();
      const streams = `streams: [{ listen: "127.0.0.1:${port}", forward: app }]`;
      const proxy = await started(it, config(origin.url, `workers: ${workers}\n    ${streams}`));

      const { body } = await ask(proxy, "POST", "/api/upgrade");
      const pid = Number(body["pid"]);
      await gone(proxy.child.pid!);
      // What was closed in error would come to light with the descriptors that are opened next.
      for (let round = 0; round < 20; round++) {
        const url = `http://127.0.0.1:${round % 2 === 0 ? port : proxy.port}/`;
        const answer = await fetch(url, { headers: { connection: "close" } });
        assert.equal(answer.status, 200);
      }
      await end(pid);

      assert.doesNotMatch(proxy.stderr(), /were closed/);
    },
    { timeoutMs: 60_000 },
  );
}

for (const workers of [1, 2]) {
  scenario(
    `takeover: UDP clients go on, and new ones are served, with ${workers} worker(s)`,
    async (it) => {
      const origin = await it.origin(OK);
      const dns = await udpServer(it, echo);
      const port = await freePort();
      const more = `workers: ${workers}
    streams: [{ listen: "127.0.0.1:${port}", protocol: udp, forward: dns, timeouts: { idle: 3s, drain: 20s } }]`;
      const proxy = await started(
        it,
        config(origin.url, more).replace("upstreams: {", `upstreams: { dns: "${dns.address}",`),
      );
      const clients = (count: number) =>
        Promise.all(Array.from({ length: count }, () => udpClient(it, port)));
      const old = await clients(12);
      await Promise.all(old.map((client) => asksUntilAnswered(client, "before")));

      const { status, body } = await ask(proxy, "POST", "/api/upgrade");
      assert.equal(status, 200, JSON.stringify(body));
      const pid = Number(body["pid"]);
      const beats = setInterval(() => {
        for (const client of old) client.send("beat"); // so that the old process has sessions
      }, 100);
      it.defer(() => clearInterval(beats));
      it.defer(async () => {
        if (isAlive(pid)) await end(pid);
      });
      const young = await clients(12);
      await Promise.all([...old, ...young].map((client) => asksUntilAnswered(client, "during")));
      assert.ok(isAlive(proxy.child.pid!), "nobody waited for the old process to be gone");
      clearInterval(beats);
      await gone(proxy.child.pid!);
      await Promise.all([...old, ...young].map((client) => asksUntilAnswered(client, "after")));
    },
    { timeoutMs: 60_000 },
  );
}

/** A datagram may be lost, so it is sent again, as every client of UDP has to. */
async function asksUntilAnswered(client: UdpClient, text: string): Promise<void> {
  await eventually(
    () => {
      client.send(text);
      return client.got.includes(`re:${text}`) ? true : undefined;
    },
    () => `an answer to ${text}`,
  );
}
