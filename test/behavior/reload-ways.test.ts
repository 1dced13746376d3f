/** The ways to a reload: a signal, the command, the admin API, a file that is watched. */
import assert from "node:assert/strict";
import { type SpawnOptions, spawn } from "node:child_process";
import { once } from "node:events";
import { appendFile, readFile, rename, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { parse, stringify } from "yaml";
import { eventually } from "../support/deadline.ts";
import { freePort } from "../support/free.ts";
import type { ProxyProcess } from "../support/proxy.ts";
import { GET, type Scenario, scenario } from "../support/scenario.ts";

const MAIN = new URL("../../src/main.ts", import.meta.url).pathname;

function config(status: number, top = ""): string {
  return `{ ${top} sites: [{ hosts: ["*"], routes: [{ respond: { status: ${status} } }] }] }`;
}

/** Writes what the test wants over what the proxy was started with. */
async function rewrite(proxy: ProxyProcess, status: number, top = {}): Promise<void> {
  const running = parse(await readFile(proxy.configFile, "utf8"));
  running.sites[0].routes = [{ respond: { status } }];
  const next = join(dirname(proxy.configFile), "next.yaml");
  await writeFile(next, stringify({ ...running, ...top }));
  await rename(next, proxy.configFile);
}

async function command(args: readonly string[], options: SpawnOptions = {}) {
  const child = spawn(process.execPath, [MAIN, ...args], { stdio: "pipe", ...options });
  let [out, err] = ["", ""];
  child.stdout!.on("data", (text) => {
    out += text;
  });
  child.stderr!.on("data", (text) => {
    err += text;
  });
  const [code] = await once(child, "exit");
  return { code, out, err };
}

async function answersWith(it: Scenario, status: number): Promise<void> {
  await eventually(
    async () => ((await it.client(GET)).startsWith(`HTTP/1.1 ${status} `) ? true : undefined),
    () => `the answer to be ${status}`,
    10_000,
  );
}

for (const workers of [1, 2]) {
  scenario(
    `sluice reload with ${workers} workers: takes the file, tells what came of it`,
    async (it) => {
      const proxy = await it.process(config(201, `workers: ${workers},`));
      const file = ["-c", proxy.configFile];

      await rewrite(proxy, 202);
      const taken = await command(["reload", ...file]);
      const answer = await it.client(GET);
      await appendFile(proxy.configFile, "sitez: []\n");
      const refused = await command(["reload", "--admin", `127.0.0.1:${proxy.adminPort}`]);
      const still = await it.client(GET);

      assert.deepEqual([taken.code, taken.out], [0, "reloaded: config 2\n"]);
      assert.match(answer, /^HTTP\/1\.1 202 /);
      assert.equal(refused.code, 1);
      assert.match(refused.err, /sluice\.yaml:\d+:1: Cannot use sitez: .* did you mean sites/);
      assert.match(refused.err, /not reloaded, the running config stays\n$/);
      assert.match(still, /^HTTP\/1\.1 202 /);
    },
  );
}

scenario("sluice reload: nobody there to be asked", async (it) => {
  const proxy = await it.process(config(201));
  await proxy.stop();

  const { code, err } = await command(["reload", "--admin", `127.0.0.1:${proxy.adminPort}`]);

  assert.equal(code, 1);
  assert.match(err, /nobody answers/);
});

scenario("SIGHUP: takes the file, and two at once are no more than needed", async (it) => {
  const proxy = await it.process(config(201, "workers: 2,"));
  await rewrite(proxy, 202);

  for (let count = 0; count < 20; count++) proxy.child.kill("SIGHUP");
  await answersWith(it, 202);

  await eventually(
    () => (/sluice: reloaded\n/.test(proxy.stderr()) ? true : undefined),
    () => `a word about it in ${proxy.stderr()}`,
  );
});

scenario("watch: a file that has changed is taken, one with problems is not", async (it) => {
  const proxy = await it.process(config(201, "watch: true,"));

  await rewrite(proxy, 202);
  await answersWith(it, 202);
  await appendFile(proxy.configFile, "sitez: []\n");
  await eventually(
    () => (proxy.stderr().includes("not reloaded: the file has changed") ? true : undefined),
    () => `a warning in ${proxy.stderr()}`,
    10_000,
  );
  assert.match(await it.client(GET), /^HTTP\/1\.1 202 /);
});

scenario("reload: the admin listener moves, and its token changes", async (it) => {
  const proxy = await it.process(config(201, "workers: 2,"));
  const port = await freePort();
  const token = "a-token-of-some-length";

  await rewrite(proxy, 202, { admin: { listen: `127.0.0.1:${port}`, token } });
  const moved = await command(["reload", "--admin", `127.0.0.1:${proxy.adminPort}`]);
  const asked = await fetch(`http://127.0.0.1:${port}/api/status`);
  const withToken = await fetch(`http://127.0.0.1:${port}/api/status`, {
    headers: { authorization: `Bearer ${token}` },
  });

  assert.deepEqual([moved.code, moved.err], [0, ""]);
  assert.deepEqual([asked.status, withToken.status], [401, 200]);
  await eventually(
    () =>
      fetch(`http://127.0.0.1:${proxy.adminPort}/health/live`).then(
        () => undefined,
        () => true,
      ),
    () => "the old admin listener to be gone",
  );
});
