import assert from "node:assert/strict";
import { test } from "node:test";
import { testVocabulary } from "../../test/support/vocabulary.ts";
import { check } from "./check.ts";
import type { Config } from "./config.ts";
import { loadText } from "./load.ts";

function settled(yaml: string): Config {
  const { config, problems } = check(loadText(yaml, "sluice.yaml"), testVocabulary);
  assert.deepEqual(problems, []);
  return config!;
}

const DB = "upstreams: { db: 10.0.0.1:5432 }";

test("streams: the shortest one comes out with every default", () => {
  const { streamListeners, listeners, sites } = settled(`
    ${DB}
    streams: [{ listen: ":5432", forward: db }, { listen: ":53", protocol: udp, forward: db }]`);

  const off = Number.POSITIVE_INFINITY;
  assert.deepEqual([listeners, sites], [[], []]);
  assert.deepEqual(streamListeners, [
    {
      ...{ key: "0.0.0.0:5432", protocol: "tcp", address: { host: "0.0.0.0", port: 5432 } },
      ...{
        connectionsMax: off,
        connectionsPerClient: off,
        openingMs: 15_000,
        proxiesFrom: undefined,
      },
      streams: [
        {
          ...{ name: "stream#1", at: ["streams", 0], protocol: "tcp", serverNames: [] },
          ...{ upstream: "db", connectionsMax: off, responses: off },
          timeouts: { connect: 3_000, idle: 600_000, drain: 300_000 },
        },
      ],
    },
    {
      ...{ key: "udp/0.0.0.0:53", protocol: "udp", address: { host: "0.0.0.0", port: 53 } },
      ...{
        connectionsMax: 10_000,
        connectionsPerClient: off,
        openingMs: 15_000,
        proxiesFrom: undefined,
      },
      streams: [
        {
          ...{ name: "stream#2", at: ["streams", 1], protocol: "udp", serverNames: [] },
          ...{ upstream: "db", connectionsMax: off, responses: off },
          timeouts: { connect: 3_000, idle: 60_000, drain: 300_000 },
        },
      ],
    },
  ]);
});

test("streams: numbers come from the nearest level that has one", () => {
  const { streamListeners } = settled(`
    timeouts: { connect: 1s, drain: 20s, requestHead: 5s }
    limits: { connectionsMax: 7 }
    listeners: { ":2": { limits: { connectionsMax: 9 }, timeouts: { requestHead: 4s } } }
    upstreams: { db: 10.0.0.1:5432, far: { endpoints: 10.0.0.2:1, timeouts: { connect: 9s } } }
    streams:
      - { listen: ":1", forward: db }
      - { listen: ":2", forward: far, timeouts: { connect: 2s, drain: 1h, idle: off }, limits: { connectionsMax: 3 } }`);

  const numbers = streamListeners.map(({ connectionsMax, openingMs, streams: [stream] }) => [
    ...[connectionsMax, openingMs, stream!.connectionsMax],
    ...[stream!.timeouts.connect, stream!.timeouts.drain, stream!.timeouts.idle],
  ]);
  const off = Number.POSITIVE_INFINITY;
  assert.deepEqual(numbers, [
    [7, 5_000, off, 1_000, 20_000, 600_000],
    [9, 4_000, 3, 9_000, 3_600_000, off],
  ]);
});

test("streams: those of one port come out together, whoever says whom to believe", () => {
  const { streamListeners } = settled(`
    ${DB}
    streams:
      - { listen: [":443", ":443", ":444"], sni: A.test, forward: db }
      - { listen: ":443", forward: db, proxyProtocol: { from: [10.0.0.0/8] } }`);

  const shown = streamListeners.map(({ key, proxiesFrom, streams }) => [
    key,
    proxiesFrom,
    streams.map(({ serverNames }) => serverNames),
  ]);
  assert.deepEqual(shown, [
    ["0.0.0.0:443", ["10.0.0.0/8"], [["a.test"], []]],
    ["0.0.0.0:444", undefined, [["a.test"]]],
  ]);
});
