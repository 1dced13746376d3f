import assert from "node:assert/strict";
import { test } from "node:test";
import { InheritedSockets, inheritanceFor } from "./inherited-sockets.ts";

const SELF = { pid: 70, parentPid: 7 };

type Row = [name: string, env: Record<string, string>, want: string[]];

// biome-ignore format: a table
const rows: Row[] = [
  ["nothing was said",            {}, []],
  ["for another process",         { LISTEN_FDS: "1", LISTEN_PID: "71", LISTEN_FDNAMES: "0.0.0.0%3A80" }, []],
  ["for us, by systemd",          { LISTEN_FDS: "1", LISTEN_PID: "70", LISTEN_FDNAMES: "0.0.0.0%3A80" }, ["0.0.0.0:80"]],
  ["by the process before us",    { LISTEN_FDS: "2", SLUICE_HANDOVER_FROM: "7", LISTEN_FDNAMES: "0.0.0.0%3A80:%5B%3A%3A%5D%3A80" }, ["0.0.0.0:80", "[::]:80"]],
  ["by a process that is gone",   { LISTEN_FDS: "1", SLUICE_HANDOVER_FROM: "8", LISTEN_FDNAMES: "0.0.0.0%3A80" }, []],
  ["a path",                      { LISTEN_FDS: "1", LISTEN_PID: "70", LISTEN_FDNAMES: "unix%3A%2Frun%2Fa.sock" }, ["unix:/run/a.sock"]],
  ["no number",                   { LISTEN_FDS: "x", LISTEN_PID: "70" }, []],
  ["a negative number",           { LISTEN_FDS: "-1", LISTEN_PID: "70" }, []],
  ["more than anyone has",        { LISTEN_FDS: "99999", LISTEN_PID: "70" }, []],
  ["a name that is no text",      { LISTEN_FDS: "1", LISTEN_PID: "70", LISTEN_FDNAMES: "%ff" }, []],
];

for (const [name, env, want] of rows) {
  test(`InheritedSockets: ${name}`, () => {
    const sockets = InheritedSockets.from({ ...SELF, env });

    assert.deepEqual(sockets.addresses, want);
  });
}

test("InheritedSockets: what is told to a child is what it reads", () => {
  const keys = ["0.0.0.0:80", "0.0.0.0:80", "[::1]:81", "unix:/run/a b:c.sock"];
  const env = inheritanceFor(keys, { parentPid: 7, areForeign: true });

  const sockets = InheritedSockets.from({ ...SELF, env });

  assert.deepEqual(sockets.addresses, ["0.0.0.0:80", "[::1]:81", "unix:/run/a b:c.sock"]);
  assert.deepEqual(sockets.take({ host: "0.0.0.0", port: 80 }), [3, 4]);
  assert.deepEqual(sockets.take({ host: "0.0.0.0", port: 80 }), [], "they are taken once");
  assert.equal(sockets.areForeign, true);
});

test("InheritedSockets: each is dealt to one worker, and all of them to somebody", () => {
  const sockets = new InheritedSockets([
    ["a", 3],
    ["a", 4],
    ["a", 5],
    ["b", 6],
  ]);

  const shares = [0, 1].map((worker) => sockets.share(worker, 2).map(([, fd]) => fd));

  assert.deepEqual(shares, [[3, 5, 6], [4]]);
});
