import assert from "node:assert/strict";
import { test } from "node:test";
import { SimClock } from "../../test/support/sim-clock.ts";
import { SeededRandom } from "../base/seeded-random.ts";
import { type AddedEndpoint, Directory, type DirectoryEntry } from "../core/directory.ts";
import { LoneMachine } from "../core/machine.ts";
import { KeyedState } from "../core/shared-state.ts";
import type { EndpointOptions } from "./endpoint.ts";
import { createUpstream } from "./upstream.ts";

const log = { info() {}, warn() {} };
const PLAIN: EndpointOptions = { address: { host: "10.0.0.1", port: 80 } };
const ALL: EndpointOptions = {
  address: { host: "app.test", port: 80 },
  weight: 3,
  discover: "all",
};
const SRV: EndpointOptions = { address: { host: "_http._tcp.app", port: 0 }, discover: "srv" };

function named(hosts: readonly string[]): DirectoryEntry {
  return { kind: "name", name: "app.test", hosts, why: "" };
}

function edits(added: readonly string[], removed: readonly string[]): DirectoryEntry {
  const options = { weight: 1, backup: false, scheme: "http" as const };
  const each = (host: string): AddedEndpoint => ({ address: { host, port: 80 }, ...options });
  return { kind: "edits", name: "app", added: added.map(each), removed };
}

function stage(endpoints: readonly EndpointOptions[], directory: Directory | undefined) {
  const state = new KeyedState(log);
  const told: string[] = [];
  const clock = new SimClock();
  const make = () => {
    const draft = state.draft();
    const upstream = createUpstream(
      {
        name: "app",
        endpoints,
        onMembers: (members) => told.push(members.map(({ name }) => name).join()),
      },
      {
        world: { random: new SeededRandom(1), clock },
        keep: draft.keep.bind(draft),
        machine: new LoneMachine(),
        ...(directory === undefined ? {} : { directory }),
      },
    );
    draft.commit();
    return upstream;
  };
  const names = (upstream: ReturnType<typeof make>) =>
    upstream.endpoints.map(({ name, weight, priority, isStrict }) => {
      const rank = priority === 0 ? "" : ` p${priority}`;
      return `${name} ${weight}${rank}${isStrict ? "s" : ""}`;
    });
  return { make, names, told, clock };
}

type Row = [name: string, endpoints: EndpointOptions[], entries: DirectoryEntry[], want: string];

const SERVICE: DirectoryEntry = {
  kind: "service",
  name: "_http._tcp.app",
  why: "",
  records: [
    { host: "a", port: 1, priority: 5, weight: 0 },
    { host: "b", port: 2, priority: 7, weight: 9 },
    { host: "c", port: 3, priority: 65_535, weight: 1 },
    { host: "d", port: 4, priority: 7, weight: 1 },
  ],
};

// biome-ignore format: a table
const rows: Row[] = [
  ["plain ones as they stand",          [PLAIN],      [],                              "10.0.0.1:80 1"],
  ["nothing is known of a name yet",    [ALL],        [],                              ""],
  ["an endpoint for each address",      [ALL],        [named(["10.0.0.5", "::5"])],    "10.0.0.5:80 3,[::5]:80 3"],
  ["two ways to one, the first counts", [PLAIN, ALL], [named(["10.0.0.1", "::5"])],    "10.0.0.1:80 1,[::5]:80 3"],
  ["records of a service",              [SRV],        [SERVICE],                       "a:1 1s,b:2 9 p1s,c:3 1 p2s,d:4 1 p1s"],
  ["records after our own priority",    [{ ...SRV, priority: 4 }], [SERVICE],           "a:1 1 p4s,b:2 9 p5s,c:3 1 p6s,d:4 1 p5s"],
  ["one was added",                     [PLAIN],      [edits(["10.0.0.9"], [])],       "10.0.0.1:80 1,10.0.0.9:80 1"],
  ["one was taken out",                 [PLAIN],      [edits([], ["10.0.0.1:80"])],    ""],
  ["a found one was taken out",         [ALL],        [named(["::5"]), edits([], ["[::5]:80"])], ""],
];

for (const [name, endpoints, entries, want] of rows) {
  test(`Membership: ${name}`, () => {
    const { make, names } = stage(endpoints, new Directory(entries));

    assert.equal(names(make()).join(), want);
  });
}

test("Membership: without a directory a name stands for itself", () => {
  const { make, names } = stage([ALL], undefined);

  assert.equal(names(make()).join(), "app.test:80 3");
});

test("Membership: who stays is the same endpoint, and who is told is told of changes alone", () => {
  const directory = new Directory([named(["10.0.0.5"])]);
  const { make, told } = stage([ALL], directory);
  const upstream = make();
  const [before] = upstream.endpoints;

  directory.set(named(["10.0.0.5", "10.0.0.6"]));
  directory.set({ kind: "name", name: "other.test", hosts: [], why: "" });
  const [after] = upstream.endpoints;

  assert.equal(after, before);
  assert.deepEqual(told, ["10.0.0.5:80,10.0.0.6:80"]);
});

test("Membership: a claim finds who is new, and not who is gone", () => {
  const directory = new Directory([named(["10.0.0.5"])]);
  const upstream = stage([ALL], directory).make();
  const claimed = () => {
    const claim = upstream.claim({ hashKey: undefined, tried: [] });
    claim?.release("served");
    return claim?.endpoint.name;
  };

  const before = claimed();
  directory.set(named(["10.0.0.6"]));
  const after = claimed();
  directory.set(named([]));

  assert.deepEqual([before, after, claimed()], ["10.0.0.5:80", "10.0.0.6:80", undefined]);
});

test("Membership: one that leaves is remembered for a while, and as long as requests are in flight", () => {
  const directory = new Directory([named(["10.0.0.5", "10.0.0.6"])]);
  const upstream = stage([ALL], directory).make();
  const stateOf = (host: string) =>
    upstream.endpoints.find(({ address }) => address.host === host)!.state;
  const claim = upstream.claim({ hashKey: undefined, tried: [] })!;
  const busy = claim.endpoint.address.host;
  const idle = busy === "10.0.0.5" ? "10.0.0.6" : "10.0.0.5";
  for (const host of [busy, idle]) stateOf(host).health = "down";
  const others = (count: number) =>
    named(Array.from({ length: count }, (_, place) => `10.1.${place >> 8}.${place & 255}`));
  const everyone = named(["10.0.0.5", "10.0.0.6"]);

  directory.set(others(100));
  assert.equal(upstream.endpoints.length, 100);
  directory.set(everyone);
  assert.deepEqual([stateOf(busy).health, stateOf(idle).health], ["down", "down"]);

  directory.set(others(1_000));
  assert.equal(upstream.endpoints.length, 1_000);
  directory.set(named([])); // a thousand more have gone
  assert.equal(upstream.endpoints.length, 0);
  directory.set(everyone);
  assert.deepEqual([stateOf(busy).health, stateOf(idle).health], ["down", "unknown"]);
  claim.release("served");
});

test("Membership: who joins, by name or by hand, begins slowly; who was there from the start does not", async () => {
  const directory = new Directory([named(["10.0.0.5"])]);
  const { make, clock } = stage([PLAIN, ALL], directory);
  const upstream = make();
  const since = () => upstream.endpoints.map(({ name, state }) => [name, state.readySinceMs]);
  await clock.advance(1_000);
  assert.deepEqual(since(), [
    ["10.0.0.1:80", 0],
    ["10.0.0.5:80", 0],
  ]);

  directory.set(named(["10.0.0.5", "10.0.0.6"]));
  assert.deepEqual(since()[2], ["10.0.0.6:80", 1_000]);
  await clock.advance(1_000);
  directory.set(edits(["10.0.0.9"], []));
  assert.deepEqual(since()[3], ["10.0.0.9:80", 2_000]);

  // One that left and is back begins anew.
  directory.set(named(["10.0.0.5"]));
  assert.equal(since().length, 3);
  await clock.advance(1_000);
  directory.set(named(["10.0.0.5", "10.0.0.6"]));
  assert.deepEqual(since()[2], ["10.0.0.6:80", 3_000]);
  assert.deepEqual(since()[1], ["10.0.0.5:80", 0]);
});

test("Membership: an endpoint that a reload brings begins slowly", async () => {
  const directory = new Directory();
  const state = new KeyedState(log);
  const clock = new SimClock();
  const make = (hosts: readonly string[]) => {
    const draft = state.draft();
    const world = { random: new SeededRandom(1), clock };
    const tools = { world, machine: new LoneMachine(), directory, keep: draft.keep.bind(draft) };
    const endpoints = hosts.map((host) => ({ address: { host, port: 80 } }));
    const upstream = createUpstream({ name: "app", endpoints }, tools);
    draft.commit();
    return upstream.endpoints.map((endpoint) => endpoint.state.readySinceMs);
  };
  await clock.advance(500);
  assert.deepEqual(make(["a", "b"]), [0, 0]);

  await clock.advance(500);

  assert.deepEqual(make(["a", "b", "c"]), [0, 0, 1_000]);
});

test("Membership: a reload keeps found and added ones with their states", () => {
  const directory = new Directory([named(["10.0.0.5"]), edits(["10.0.0.9"], [])]);
  const { make, names } = stage([ALL], directory);
  const before = make();
  for (const { state } of before.endpoints) state.isDraining = true;

  const after = make();

  assert.deepEqual(names(after), names(before));
  assert.ok(after.endpoints.every(({ state }) => state.isDraining));
});

test("Membership: a config that names what was added before knows its state", () => {
  const directory = new Directory([edits(["10.0.0.9"], [])]);
  const state = new KeyedState(log);
  const make = (endpoints: readonly EndpointOptions[]) => {
    const draft = state.draft();
    const world = { random: new SeededRandom(1), clock: new SimClock() };
    const tools = { world, machine: new LoneMachine(), directory, keep: draft.keep.bind(draft) };
    const upstream = createUpstream({ name: "app", endpoints }, tools);
    draft.commit();
    return upstream;
  };
  make([PLAIN]).endpoints[1]!.state.isDraining = true;

  const after = make([PLAIN, { address: { host: "10.0.0.9", port: 80 } }]);

  assert.deepEqual(
    after.endpoints.map(({ name, state: { isDraining } }) => [name, isDraining]),
    [
      ["10.0.0.1:80", false],
      ["10.0.0.9:80", true],
    ],
  );
});
