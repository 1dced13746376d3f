import assert from "node:assert/strict";
import { EventEmitter } from "node:events";
import { test } from "node:test";
import type { CommandIo } from "./command.ts";
import { addressUrl, type Running, serveUntilStopped } from "./running.ts";

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
  const gone = Promise.withResolvers<void>();
  const running = {
    addresses: [{ host: "127.0.0.1", port: 8080 }],
    goneOver: gone.promise,
    stop(deadlineMs?: number): Promise<void> {
      stops.push(deadlineMs);
      if (deadlineMs === 0) for (const done of waiting) done();
      return new Promise((done) => (deadlineMs === 0 ? done() : waiting.push(done)));
    },
  };
  let reloads = 0;
  const told: string[] = [];
  const code = serveUntilStopped(Promise.resolve(running), io, {
    reload: async () => {
      reloads++;
    },
    upgrade: async () => void told.push("upgrade"),
    started: async () => void told.push("started"),
    stopping: () => told.push("stopping"),
  });
  return {
    gone,
    told,
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
  const nothing = async () => {};
  const starting = Promise.withResolvers<Running>();
  const code = serveUntilStopped(starting.promise, io, {
    ...{ reload: nothing, upgrade: nothing, started: nothing },
    stopping: () => {},
  });

  signals.emit("SIGTERM", "SIGTERM");
  starting.resolve({
    addresses: [],
    goneOver: new Promise(() => {}),
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

test("serveUntilStopped: SIGUSR2 upgrades, and when what is left here is over it ends well", async () => {
  const { signals, stops, told, gone, code } = started();

  signals.emit("SIGUSR2", "SIGUSR2");
  await turn();
  gone.resolve();

  assert.equal(await code, 0);
  assert.deepEqual([stops, told], [[], ["started", "upgrade"]]);
});
