import assert from "node:assert/strict";
import { test } from "node:test";
import { SimWorld } from "../../../test/support/sim-world.ts";
import { Directory } from "../../core/directory.ts";
import { Discovery } from "./discovery.ts";
import { DNS, type DnsSettings } from "./dns-settings.ts";

const APP = { hosts: new Set(["app.test"]), services: new Set<string>() };
const NOBODY = { hosts: new Set<string>(), services: new Set<string>() };
const SRV = { hosts: new Set<string>(), services: new Set(["_http._tcp.app.test"]) };

function stage(dns: Partial<DnsSettings> = {}) {
  const world = new SimWorld();
  const directory = new Directory();
  const settings = { ...DNS, ...dns };
  const discovery = new Discovery(world, directory, settings);
  const changes: string[] = [];
  const hosts = () => directory.find("name", "app.test")?.hosts.join() ?? "nothing";
  directory.watch(() => changes.push(`${Math.round(world.clock.nowMs() / 1000)} ${hosts()}`));
  const take = () => discovery.take(APP, settings);
  const lines = (level: string) => world.lines.filter((line) => line.level === level).length;
  return { world, directory, discovery, changes, hosts, take, lines, settings };
}

test("Discovery: both families are asked, and what they say is there", async () => {
  const { world, hosts, take } = stage();
  world.names.name("app.test", ["10.0.0.2", "10.0.0.1", "2001:db8::1"]);

  take();
  await world.clock.advance(100);

  assert.equal(hosts(), "10.0.0.1,10.0.0.2,2001:db8::1");
});

// biome-ignore format: a table
const ttls: [name: string, ttlSeconds: number, secondsMin: number, secondsMax: number][] = [
  ["within the bounds",   60,     60,  66],
  ["nothing at all",      0,      5,   5.5],
  ["less than the least", 2,      5,   5.5],
  ["a day",               86_400, 300, 330],
];

for (const [name, ttlSeconds, secondsMin, secondsMax] of ttls) {
  test(`Discovery: a time to live of ${name}`, async () => {
    const { world, take } = stage();
    world.names.name("app.test", ["10.0.0.1"], ttlSeconds);

    take();
    await world.clock.advance(1_000_000);

    const [first = 0, ...others] = world.names.times("4 app.test");
    assert.equal(first, 0);
    assert.ok(others.length > 2);
    for (const [index, at] of others.entries()) {
      const passed: number = at - (others[index - 1] ?? first);
      assert.ok(passed >= secondsMin && passed <= secondsMax + 0.01, `${passed} s`);
    }
  });
}

test("Discovery: an address that changes is told once, and one that does not, not at all", async () => {
  const { world, changes, take } = stage();
  world.names.name("app.test", ["10.0.0.1", "10.0.0.2"], 10);

  take();
  await world.clock.advance(25_000);
  world.names.name("app.test", ["10.0.0.2", "10.0.0.1"], 10); // a server that turns its answers
  await world.clock.advance(25_000);
  world.names.name("app.test", ["10.0.0.3"], 10);
  await world.clock.advance(25_000);

  assert.equal(changes.length, 2);
  assert.match(changes.join(), /^0 10\.0\.0\.1,10\.0\.0\.2,[56]\d 10\.0\.0\.3$/);
});

// biome-ignore format: a table
const losses: [name: string, kind: "none" | "failed", why: string][] = [
  ["no such name (NXDOMAIN)", "none",   "ENOTFOUND"],
  ["an empty answer",         "none",   "ENODATA"],
  ["a failure (SERVFAIL)",    "failed", "ESERVFAIL"],
  ["no answer at all",        "failed", "ETIMEOUT"],
];

for (const [name, kind, why] of losses) {
  test(`Discovery: after ${name} the last good answer stays, and says so`, async () => {
    const { world, directory, hosts, take, lines } = stage();
    world.names.name("app.test", ["10.0.0.1"], 10);
    take();
    await world.clock.advance(1_000);

    for (const family of [4, 6]) world.names.fails(`${family} app.test`, kind, why);
    await world.clock.advance(86_400_000);

    assert.equal(hosts(), "10.0.0.1");
    assert.equal(directory.find("name", "app.test")?.why, why);
    assert.equal(lines("warn"), 1, "one line, however often it fails");
  });
}

test("Discovery: failures are asked about again, later and later, up to a minute", async () => {
  const { world, take } = stage();
  world.names.fails("4 app.test", "failed");

  take();
  await world.clock.advance(300_000);

  const times = world.names.times("4 app.test");
  const gaps = times.slice(1).map((at, index) => at - times[index]!);
  const inBounds = [5, 10, 20, 40, 60, 60].every((seconds, index) => {
    const gap = gaps[index] ?? 0;
    return gap >= seconds && gap <= seconds * 1.1 + 0.01;
  });
  assert.ok(inBounds, String(gaps));
});

test("Discovery: forgetAfter ends the use of an old answer", async () => {
  const { world, hosts, take } = stage({ forgetAfterMs: 120_000 });
  world.names.name("app.test", ["10.0.0.1"], 10);
  take();
  await world.clock.advance(1_000);
  for (const family of [4, 6]) world.names.fails(`${family} app.test`, "failed");

  await world.clock.advance(100_000);
  const before = hosts();
  await world.clock.advance(200_000);

  assert.deepEqual([before, hosts()], ["10.0.0.1", ""]);
});

test("Discovery: a family that is gone while the other is there is not kept", async () => {
  const { world, hosts, take } = stage();
  world.names.name("app.test", ["10.0.0.1", "2001:db8::1"], 10);
  take();
  await world.clock.advance(1_000);

  world.names.name("app.test", ["10.0.0.1"], 10);
  await world.clock.advance(30_000);

  assert.equal(hosts(), "10.0.0.1");
});

test("Discovery: a family that fails while the other is there is kept", async () => {
  const { world, hosts, take } = stage();
  world.names.name("app.test", ["10.0.0.1", "2001:db8::1"], 10);
  take();
  await world.clock.advance(1_000);

  world.names.fails("6 app.test", "failed");
  await world.clock.advance(30_000);

  assert.equal(hosts(), "10.0.0.1,2001:db8::1");
});

test("Discovery: one family that is slow holds the other up for 50 ms, once", async () => {
  const { world, changes, hosts, take } = stage();
  world.names.name("app.test", ["10.0.0.1", "2001:db8::1"]);
  world.names.takes("6 app.test", 1_000);

  take();
  await world.clock.advance(49);
  const early = hosts();
  await world.clock.advance(10);
  const soon = hosts();
  await world.clock.advance(1_000);

  assert.deepEqual([early, soon, hosts()], ["nothing", "10.0.0.1", "10.0.0.1,2001:db8::1"]);
  assert.equal(changes.length, 2);
});

test("Discovery: prepare() waits for the first answers, and two seconds at most", async () => {
  const { world, discovery, hosts } = stage();
  world.names.name("app.test", ["10.0.0.1"]);
  let isReady = false;
  const ready = discovery.prepare(APP).then(() => {
    isReady = true;
  });
  await world.clock.advance(10);
  assert.deepEqual([isReady, hosts()], [true, "10.0.0.1"]);
  await ready;

  isReady = false;
  world.names.takes("4 slow.test", 60_000);
  world.names.takes("6 slow.test", 60_000);
  const slow = discovery.prepare({ ...APP, hosts: new Set(["slow.test"]) }).then(() => {
    isReady = true;
  });
  await world.clock.advance(1_999);
  const early = isReady;
  await world.clock.advance(2);
  assert.deepEqual([early, isReady], [false, true]);
  await slow;
});

test("Discovery: a name that nobody has any more is asked for no more, and leaves nothing", async () => {
  const { world, directory, discovery, take, settings } = stage();
  world.names.name("app.test", ["10.0.0.1"], 10);
  take();
  await world.clock.advance(1_000);

  discovery.take(NOBODY, settings);
  const askedBefore = world.names.asked.length;
  await world.clock.advance(1_000_000);

  assert.equal(directory.find("name", "app.test"), undefined);
  assert.equal(world.names.asked.length, askedBefore);
  assert.equal(world.clock.pendingCount, 0);
});

test("Discovery: an answer that comes after the end changes nothing", async () => {
  const { world, directory, discovery, take, settings } = stage();
  world.names.name("app.test", ["10.0.0.1"]);
  world.names.takes("4 app.test", 500);
  take();
  await world.clock.advance(10);

  discovery.take(NOBODY, settings);
  await world.clock.advance(1_000);

  assert.equal(directory.find("name", "app.test"), undefined);
});

test("Discovery: a service leads to names, which are followed while it names them", async () => {
  const { world, directory, discovery, settings } = stage();
  const records = [
    { host: "b.test", port: 2, priority: 1 },
    { host: "a.test", port: 1 },
  ];
  world.names.service("_http._tcp.app.test", records, 10);
  world.names.name("a.test", ["10.0.0.1"], 10);
  world.names.name("b.test", ["10.0.0.2"], 10);

  discovery.take(SRV, settings);
  await world.clock.advance(1_000);
  const found = directory.find("service", "_http._tcp.app.test")?.records ?? [];
  const hosts = ["a.test", "b.test"].map((name) => directory.find("name", name)?.hosts.join());
  world.names.service("_http._tcp.app.test", [records[1]!], 10);
  await world.clock.advance(30_000);

  assert.deepEqual(
    found.map(({ host }) => host),
    ["a.test", "b.test"],
  );
  assert.deepEqual(hosts, ["10.0.0.1", "10.0.0.2"]);
  assert.equal(directory.find("name", "b.test"), undefined);
});

test("Discovery: a flood of records is cut", async () => {
  const { world, directory, discovery, settings } = stage();
  const many = Array.from({ length: 5_000 }, (_, index) => ({ host: "a.test", port: index + 1 }));
  world.names.service("_http._tcp.app.test", many);

  discovery.take(SRV, settings);
  await world.clock.advance(1_000);

  assert.equal(directory.find("service", "_http._tcp.app.test")?.records.length, 1_000);
});
