import assert from "node:assert/strict";
import { EventEmitter } from "node:events";
import { test } from "node:test";
import type { CommandIo } from "./command.ts";
import { addressUrl, serveUntilStopped } from "./running.ts";

function started() {
  const signals = new EventEmitter();
  const lines: string[] = [];
  const stops: (number | undefined)[] = [];
  const waiting: (() => void)[] = [];
  const io: CommandIo = {
    stdout: { write: () => {} },
    stderr: { write: (text) => lines.push(text) },
    cwd: "/",
    signals,
  };
  const running = {
    addresses: [{ host: "127.0.0.1", port: 8080 }],
    stop(deadlineMs?: number): Promise<void> {
      stops.push(deadlineMs);
      if (deadlineMs === 0) for (const done of waiting) done();
      return new Promise((done) => (deadlineMs === 0 ? done() : waiting.push(done)));
    },
  };
  let reloads = 0;
  const code = serveUntilStopped(Promise.resolve(running), io, async () => {
    reloads++;
  });
  return {
    reloadCount: () => reloads,
    signals,
    lines,
    stops,
    code,
    drained: () =>
      waiting.forEach((done) => {
        done();
      }),
  };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

test("serveUntilStopped: a signal while it still starts stops it once it has", async () => {
  const signals = new EventEmitter();
  const stops: (number | undefined)[] = [];
  const io: CommandIo = {
    stdout: { write: () => {} },
    stderr: { write: () => {} },
    cwd: "/",
    signals,
  };
  let start = (_running: { addresses: []; stop(deadlineMs?: number): Promise<void> }) => {};
  const starting = new Promise<Parameters<typeof start>[0]>((resolve) => {
    start = resolve;
  });
  const code = serveUntilStopped(starting, io, async () => {});

  signals.emit("SIGTERM", "SIGTERM");
  start({
    addresses: [],
    async stop(deadlineMs) {
      stops.push(deadlineMs);
    },
  });

  assert.equal(await code, 0);
  assert.deepEqual(stops, [undefined]);
});

test("serveUntilStopped: the first signal drains for as long as the config says", async () => {
  const { signals, lines, stops, code, drained } = started();
  await turn();

  signals.emit("SIGTERM", "SIGTERM");
  await turn();
  drained();

  assert.equal(await code, 0);
  assert.deepEqual(stops, [undefined]);
  assert.equal(lines[0], "sluice: listening on http://127.0.0.1:8080\n");
});

test("serveUntilStopped: a second signal stops now", async () => {
  const { signals, stops, code } = started();

  signals.emit("SIGINT", "SIGINT");
  signals.emit("SIGTERM", "SIGTERM");

  assert.equal(await code, 1);
  assert.deepEqual(stops, [undefined, 0]);
});

test("serveUntilStopped: SIGHUP reloads and stops nothing", async () => {
  const { signals, stops, reloadCount } = started();

  signals.emit("SIGHUP", "SIGHUP");
  await turn();

  assert.deepEqual(stops, []);
  assert.equal(reloadCount(), 1);
});

test("addressUrl: names, IPv6 and unix sockets", () => {
  assert.equal(addressUrl({ host: "0.0.0.0", port: 80 }), "http://0.0.0.0:80");
  assert.equal(addressUrl({ host: "::1", port: 81 }), "http://[::1]:81");
  assert.equal(addressUrl({ host: "/run/a.sock", port: 0 }), "unix:/run/a.sock");
});
