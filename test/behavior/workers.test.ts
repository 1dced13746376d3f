/** Several workers look like one: to clients, in the log, in the metrics, at the end. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { eventually, within } from "../support/deadline.ts";
import { freePort } from "../support/free.ts";
import { answers } from "../support/nginx.ts";
import { forwardTo, GET, OK, type Scenario, scenario } from "../support/scenario.ts";
import { breakWorker, FAULTY_WORKERS } from "../support/worker-faults.ts";

const TOP = "workers: 4";
const MAIN = new URL("../../src/main.ts", import.meta.url).pathname;

/** Over connections of their own, so that every worker has some. */
async function requests(it: Scenario, connections: number, each: number): Promise<void> {
  await Promise.all(
    Array.from({ length: connections }, () => it.client(GET.repeat(each), { responses: each })),
  );
}

scenario("workers: all of them serve, and are counted as one", async (it) => {
  const origin = await it.origin(OK);
  const proxy = await it.proxyHere(forwardTo(origin.url, { top: TOP }));

  await requests(it, 40, 5);

  const lines = await proxy.accessLines(200);
  assert.equal(lines.length, 200);
  assert.ok(lines.every(({ status }) => status === 200));
  assert.equal(new Set(lines.map(({ id }) => id)).size, 200);
  const series = 'sluice_requests_total{site="*",route="*#1",method="GET",status_class="2xx"}';
  assert.equal(await proxy.metric(series), 200);
  assert.equal(await proxy.metric("sluice_requests_active"), 0);
  assert.equal(await proxy.metric("sluice_workers"), 4);
  const { workers } = await proxy.status();
  assert.deepEqual(workers, { wanted: 4, running: 4, restarts: {} });
  // Idle connections are kept by each worker, so an origin that saw one would have seen one worker.
  assert.ok(origin.connections.length > 1);
});

scenario(
  "workers: a log file that was moved is opened anew by all, and no line is lost or torn",
  async (it) => {
    const origin = await it.origin(OK);
    const proxy = await it.process(forwardTo(origin.url, { top: TOP }));
    const file = join(dirname(proxy.configFile), "access.log");

    await requests(it, 20, 5);
    await proxy.accessLines(100);
    await rename(file, `${file}.1`);
    proxy.child.kill("SIGHUP");
    await eventually(
      () => (proxy.stderr().includes("sluice: reloaded") ? true : undefined),
      () => proxy.stderr(),
      10_000,
    );
    await requests(it, 20, 5);

    assert.equal((await proxy.accessLines(100)).length, 100);
    const before = (await readFile(`${file}.1`, "utf8")).trimEnd().split("\n");
    assert.equal(before.map((line) => JSON.parse(line)).length, 100);
  },
);

scenario("workers: lines on a standard output that is a pipe are whole", async (it) => {
  const origin = await it.origin(OK);
  const folder = await mkdtemp(join(tmpdir(), "sluice-test-"));
  it.defer(() => rm(folder, { recursive: true }));
  const port = await freePort();
  const file = join(folder, "sluice.yaml");
  const site = `listen: ["127.0.0.1:${port}"]`;
  await writeFile(file, forwardTo(origin.url, { top: `${TOP}, admin: off`, site }));
  const child = spawn(process.execPath, [MAIN, "run", "-c", file], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let out = "";
  child.stdout.on("data", (text) => {
    out += text;
  });
  await answers(port, child);

  const clients = Array.from({ length: 40 }, () =>
    it.client(GET.repeat(25), { port, responses: 25 }),
  );
  await Promise.all(clients);
  child.kill("SIGTERM");
  await within(once(child, "exit"), () => "the exit", 10_000);

  const lines = out.trimEnd().split("\n");
  assert.equal(lines.map((line) => JSON.parse(line)).length, 1000);
});

scenario("workers: a unix socket is served, also after its worker was lost", async (it) => {
  const folder = await mkdtemp(join(tmpdir(), "sluice-test-"));
  it.defer(() => rm(folder, { recursive: true }));
  const path = join(folder, "http.sock");
  const proxy = await it.proxyHere(
    `{ workers: 2, sites: [
      { hosts: ["*"], listen: ["unix:${path}", "127.0.0.1:0"], routes: [{ respond: { status: 204 } }] },
    ] }`,
    FAULTY_WORKERS,
  );
  const status = () => curlStatus(path);
  assert.equal(await status(), "204");

  await breakWorker("throw", 0);
  await eventually(
    async () => ((await proxy.metric("sluice_workers")) === 2 ? true : undefined),
    () => "two workers again",
    10_000,
  );

  await eventually(
    async () => ((await status()) === "204" ? true : undefined),
    () => "an answer over the socket",
  );
});

async function curlStatus(path: string): Promise<string> {
  const args = ["-s", "-o", "/dev/null", "-w", "%{http_code}", "--unix-socket", path, "http://a/"];
  const child = spawn("curl", args, { stdio: ["ignore", "pipe", "ignore"] });
  let out = "";
  child.stdout.on("data", (text) => {
    out += text;
  });
  await once(child, "exit");
  return out;
}

scenario("workers: the same proxy started twice is refused the second time", async (it) => {
  const port = await freePort();
  const config = `{ ${TOP}, sites: [
    { hosts: ["*"], listen: ["127.0.0.1:${port}"], routes: [{ respond: { status: 204 } }] },
  ] }`;
  await it.proxyHere(config);

  await assert.rejects(it.proxyHere(config), /another process has this port/);
});

scenario("workers: a drain lets every worker finish, and the process ends well", async (it) => {
  const origin = await it.origin(`<wait 500ms>${OK}`);
  const proxy = await it.process(forwardTo(origin.url, { top: TOP }));
  const clients = await Promise.all(Array.from({ length: 12 }, () => it.connect()));
  for (const client of clients) client.send(GET);
  while (origin.received.length < 12) await new Promise(setImmediate);

  proxy.child.kill("SIGTERM");
  const answered = await Promise.all(clients.map((client) => client.readResponse()));
  await Promise.all(clients.map((client) => client.readToEnd()));

  assert.deepEqual([...new Set(answered.map(({ status }) => status))], [200]);
  assert.equal(await within(proxy.exit, () => "the exit"), 0);
  assert.equal((await proxy.accessLines(12)).length, 12);
});

scenario("workers: a second signal stops all of them now", async (it) => {
  const origin = await it.origin("<stall>");
  const proxy = await it.process(forwardTo(origin.url, { top: TOP }));
  const clients = await Promise.all(Array.from({ length: 8 }, () => it.connect()));
  for (const client of clients) client.send(GET);
  while (origin.received.length < 8) await new Promise(setImmediate);

  proxy.child.kill("SIGTERM");
  await eventually(
    () => (proxy.stderr().includes("once more to stop now") ? true : undefined),
    () => proxy.stderr(),
  );
  proxy.child.kill("SIGTERM");

  assert.equal(await within(proxy.exit, () => "the exit"), 1);
  assert.equal((proxy.stderr().match(/exchange cut by the drain deadline/g) ?? []).length, 8);
});
