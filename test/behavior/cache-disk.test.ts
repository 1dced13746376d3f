/** A cache on a real disk: crashes, restarts, upgrades, workers, and disks that are full. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SeededRandom } from "../../src/base/seeded-random.ts";
import { eventually } from "../support/deadline.ts";
import { KnownOrigin, knownBody } from "../support/known-origin.ts";
import type { ProxyProcess } from "../support/proxy.ts";
import { type Scenario, scenario } from "../support/scenario.ts";

const CRASHES = Number(process.env["SLUICE_CRASHES"] ?? 3); // 20 and more on demand
const SECOND = 1_000;

function folderFor(it: Scenario): string {
  const folder = mkdtempSync(join(tmpdir(), "sluice-disk-"));
  it.defer(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

async function knownOrigin(it: Scenario): Promise<KnownOrigin> {
  const origin = await KnownOrigin.open();
  it.defer(() => origin.close());
  return origin;
}

interface DiskConfig {
  readonly folder: string;
  readonly url: string;
  readonly size?: string;
  readonly workers?: number;
}

function config({ folder, url, size = "64MiB", workers = 1 }: DiskConfig): string {
  return `
    workers: ${workers}
    cacheStore: { memory: ${workers}MiB, disk: { path: "${folder}", size: ${size} } }
    upstreams: { app: "${url}" }
    sites: [{ hosts: ["*"], routes: [{ forward: app, cache: { clientControl: obey } }] }]`;
}

interface Got {
  readonly status: number;
  readonly body: Buffer;
  readonly cache: string;
}

/** `isCached`: the origin must not be asked. Ports differ from start to start, and are in the key. */
function get(proxy: { port: number }, path: string, isCached = false, more = {}): Promise<Got> {
  const control = isCached ? { "cache-control": "only-if-cached" } : {};
  const headers = { host: "a.test", connection: "close", ...control, ...more };
  return new Promise((resolve, reject) => {
    const asked = request({ port: proxy.port, path, headers, agent: false }, (answer) => {
      const parts: Buffer[] = [];
      answer.on("data", (bytes: Buffer) => parts.push(bytes));
      answer.on("error", reject);
      answer.on("end", () => {
        const cache = String(answer.headers["cache-status"] ?? "");
        resolve({ status: answer.statusCode!, body: Buffer.concat(parts), cache });
      });
    });
    asked.on("error", reject).end();
  });
}

async function metric(proxy: ProxyProcess, name: string): Promise<number> {
  const lines = (await proxy.metrics()).split("\n");
  return Number(lines.find((line) => line.startsWith(`${name} `))?.slice(name.length + 1) ?? 0);
}

/** All that is asked for is on disk by then. */
async function written(proxy: ProxyProcess, count: number): Promise<void> {
  await eventually(
    async () => ((await metric(proxy, "sluice_cache_disk_objects")) >= count ? true : undefined),
    () => `${count} objects on disk`,
    10 * SECOND,
  );
}

async function kill(proxy: ProxyProcess): Promise<void> {
  proxy.child.kill("SIGKILL");
  await proxy.exit;
}

function pathsOf(count: number, name: string): string[] {
  const random = new SeededRandom(count);
  return Array.from({ length: count }, (_, at) => {
    const bytes = at % 10 === 0 ? random.below(400_000) : random.below(9_000);
    return `/${name}/${at}/${bytes}`;
  });
}

/** How many of them are still there; each of those is whole and right. */
async function stillThere(proxy: { port: number }, paths: readonly string[]): Promise<number> {
  let count = 0;
  for (const path of paths) {
    const { status, body } = await get(proxy, path, true);
    if (status === 504) continue;
    assert.equal(status, 200, path);
    assert.ok(body.equals(knownBody(path)), `${path} is as the origin sent it`);
    count++;
  }
  return count;
}

scenario(
  `cache on disk: ${CRASHES} crashes in the midst of writing, and nothing wrong is ever served`,
  async (it) => {
    const origin = await knownOrigin(it);
    const folder = folderFor(it);
    const random = new SeededRandom(Date.now() % 1_000_000);
    const asked: string[] = [];
    let kept = 0;
    for (let crash = 0; crash < CRASHES; crash++) {
      const proxy = await it.process(config({ folder, url: origin.url }));
      const seen = asked.slice(-120);
      kept += await stillThere(proxy, seen);
      const paths = pathsOf(300, `round${crash}`);
      let isOver = false;
      const clients = Array.from({ length: 6 }, async (_, client) => {
        for (let at = client; at < paths.length && !isOver; at += 6) {
          const path = paths[at]!;
          const got = await get(proxy, path).catch(() => undefined); // the crash came first
          if (got === undefined) return;
          assert.ok(got.body.equals(knownBody(path)), path);
          asked.push(path);
        }
      });
      await new Promise((resolve) => setTimeout(resolve, 30 + random.below(400)));
      await kill(proxy);
      isOver = true;
      await Promise.all(clients);
    }
    const last = await it.process(config({ folder, url: origin.url }));
    kept += await stillThere(last, asked);

    assert.ok(asked.length > CRASHES * 10, `${asked.length} asked for`);
    assert.ok(kept > asked.length / 4, `${kept} of ${asked.length} kept`);
    assert.equal(await metric(last, "sluice_cache_disk_errors_total"), 0);
  },
  { timeoutMs: 240 * SECOND },
);

for (const workers of [1, 2]) {
  scenario(
    `cache on disk: after a restart the first request is a hit, with ${workers} worker(s)`,
    async (it) => {
      const origin = await knownOrigin(it);
      const folder = folderFor(it);
      const paths = pathsOf(60, "a");
      const first = await it.process(config({ folder, url: origin.url, workers }));
      for (const path of paths) await get(first, path);
      await written(first, paths.length);
      await first.stop();
      const before = origin.requests;

      const second = await it.process(config({ folder, url: origin.url, workers }));
      const { cache, body } = await get(second, paths[0]!);
      assert.match(cache, /^Sluice; hit/);
      assert.ok(body.equals(knownBody(paths[0]!)));
      assert.equal(await stillThere(second, paths), paths.length);
      assert.equal(origin.requests, before);

      const large = paths.find((path) => knownBody(path).length > 200_000)!;
      const ranged = await get(second, large, true, { range: "bytes=131000-131100" });
      assert.equal(ranged.status, 206);
      assert.ok(ranged.body.equals(knownBody(large).subarray(131_000, 131_101)));
      await written(second, paths.length); // it is told once a second
      const status = (await (
        await fetch(`http://127.0.0.1:${second.adminPort}/api/status`)
      ).json()) as { cache: { disk: { path: string; objects: number } } };
      assert.deepEqual([status.cache.disk.path, status.cache.disk.objects], [folder, paths.length]);
    },
    { timeoutMs: 60 * SECOND },
  );
}

scenario(
  "cache on disk: what one worker has stored all of them find, and a purge is for all, and for good",
  async (it) => {
    const origin = await knownOrigin(it);
    const folder = folderFor(it);
    const paths = [...pathsOf(40, "news"), ...pathsOf(40, "other")];
    const proxy = await it.process(config({ folder, url: origin.url, workers: 2 }));
    for (const path of paths) await get(proxy, path);
    await written(proxy, paths.length);
    const before = origin.requests;
    for (let round = 0; round < 3; round++) {
      assert.equal(await stillThere(proxy, paths), paths.length);
    }
    assert.equal(origin.requests, before, "nobody is asked twice");

    for (const body of [{ tag: "news" }, { url: `http://a.test${paths.at(-1)}` }]) {
      const purged = await fetch(`http://127.0.0.1:${proxy.adminPort}/api/purge`, {
        method: "POST",
        body: JSON.stringify(body),
      });
      assert.equal(purged.status, 200);
    }
    // Nobody is given the time to do anything after the answer.
    await kill(proxy);

    const after = await it.process(config({ folder, url: origin.url, workers: 2 }));
    assert.equal(await stillThere(after, paths.slice(0, 40)), 0);
    assert.equal(await stillThere(after, paths.slice(40)), 39);
  },
  { timeoutMs: 60 * SECOND },
);

scenario(
  "cache on disk: an upgrade hands the folder over, and the new process finds what the old one stored",
  async (it) => {
    const origin = await knownOrigin(it);
    const folder = folderFor(it);
    const paths = pathsOf(50, "a");
    const proxy = await it.process(config({ folder, url: origin.url, workers: 2 }));
    for (const path of paths) await get(proxy, path);
    await written(proxy, paths.length);
    const before = origin.requests;

    const answer = await fetch(`http://127.0.0.1:${proxy.adminPort}/api/upgrade`, {
      method: "POST",
    });
    const { pid } = (await answer.json()) as { pid: number };
    it.defer(() => process.kill(pid, "SIGKILL"));
    assert.equal(answer.status, 200);

    // From when the old one has let go of it; until then the origin is asked.
    await eventually(
      async () => ((await get(proxy, paths[0]!, true)).status === 200 ? true : undefined),
      () => "the folder to be the new process's",
      20 * SECOND,
    );
    assert.equal(await stillThere(proxy, paths), paths.length);
    assert.equal(origin.requests, before);
  },
  { timeoutMs: 60 * SECOND },
);

const IS_ROOT = process.getuid?.() === 0;

scenario(
  "cache on disk: a disk that is full before the budget is used serves on, and keeps what fits",
  async (it) => {
    const origin = await knownOrigin(it);
    const folder = folderFor(it);
    const isMounted = IS_ROOT && mounted(folder);
    if (isMounted) it.defer(() => execFileSync("umount", ["-l", folder]));
    else return; // what a full disk does is simulated in src/stores/disk/disk-faults.test.ts
    const paths = pathsOf(600, "a");
    const proxy = await it.process(config({ folder, url: origin.url, size: "1GiB" }));

    for (const path of paths) {
      const { status, body } = await get(proxy, path);
      assert.equal(status, 200);
      assert.ok(body.equals(knownBody(path)));
    }

    await stillThere(proxy, paths);
    assert.ok((await metric(proxy, "sluice_cache_disk_errors_total")) > 0);
    assert.match(proxy.stderr(), /disk cache cannot write.*ENOSPC/);
    assert.equal(proxy.stderr().match(/ENOSPC/g)?.length, 1, "told once");
  },
  { timeoutMs: 120 * SECOND },
);

function mounted(folder: string): boolean {
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=6m", "tmpfs", folder], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

scenario(
  "cache on disk: two processes have not one folder; the second one has it when the first leaves",
  async (it) => {
    const origin = await knownOrigin(it);
    const folder = folderFor(it);
    const paths = pathsOf(20, "a");
    const first = await it.process(config({ folder, url: origin.url }));
    for (const path of paths) await get(first, path);
    await written(first, paths.length);
    const second = await it.process(config({ folder, url: origin.url }));
    assert.equal(await stillThere(second, paths), 0);
    await eventually(
      () => (/waits for its folder/.test(second.stderr()) ? true : undefined),
      () => `the second process to say so: ${second.stderr()}`,
    );

    await first.stop();

    await eventually(
      async () => ((await stillThere(second, paths)) === paths.length ? true : undefined),
      () => "the folder to be the second one's",
      10 * SECOND,
    );
    const ours = /^(?:lock|format|[0-9a-f]{8}-0\.(?:seg|tab))$/;
    assert.deepEqual(
      readdirSync(folder).filter((name) => !ours.test(name)),
      [],
    );
  },
  { timeoutMs: 60 * SECOND },
);

scenario(
  "cache on disk: a reload gives it another folder, none, or the first one again",
  async (it) => {
    const origin = await knownOrigin(it);
    const [one, other] = [folderFor(it), folderFor(it)];
    const paths = pathsOf(12, "a");
    const proxy = await it.proxyHere(config({ folder: one, url: origin.url }));
    const objects = (count: number) =>
      eventually(
        async () =>
          (await proxy.metric("sluice_cache_disk_objects")) === count ? true : undefined,
        () => `${count} objects on disk`,
        10 * SECOND,
      );
    const isLocked = (folder: string) => readdirSync(folder).includes("lock");
    for (const path of paths) await get(proxy, path);
    await objects(paths.length);

    await proxy.reload(config({ folder: other, url: origin.url }));
    await eventually(
      () => (isLocked(other) && !isLocked(one) ? true : undefined),
      () => "the other folder to be locked, and not the first",
    );
    await get(proxy, "/b/1/300000");
    await objects(1);

    const none = config({ folder: other, url: origin.url }).replace(/, disk: \{.*?\}/, "");
    await proxy.reload(none);
    await eventually(
      () => (isLocked(other) ? undefined : true),
      () => "no folder to be locked",
    );
    assert.equal((await get(proxy, "/c/1/100")).status, 200);

    await proxy.reload(config({ folder: one, url: origin.url }));
    await objects(paths.length);
    assert.equal(await stillThere(proxy, paths), paths.length);
  },
  { timeoutMs: 60 * SECOND },
);
