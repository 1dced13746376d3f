import assert from "node:assert/strict";
import { execFileSync, spawn, spawnSync } from "node:child_process";
import {
  closeSync,
  constants,
  mkdtempSync,
  openSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { SystemClock } from "../base/system-clock.ts";
import type { Clock, Log } from "../base/world.ts";
import { LogSink } from "./log-sink.ts";

const realClock = new SystemClock();

const folder = mkdtempSync(join(tmpdir(), "sluice-log-sink-"));
after(() => rmSync(folder, { recursive: true }));

/** Time that stands still until it is moved. */
class HandClock implements Clock {
  #nowMs = 0;
  readonly #due: { readonly atMs: number; readonly fire: () => void; off: boolean }[] = [];

  wallMs = () => this.#nowMs;
  nowMs = () => this.#nowMs;

  after(delayMs: number, fire: () => void) {
    const entry = { atMs: this.#nowMs + delayMs, fire, off: false };
    this.#due.push(entry);
    return {
      cancel: () => {
        entry.off = true;
      },
    };
  }

  advance(byMs: number): void {
    this.#nowMs += byMs;
    for (const entry of this.#due) {
      if (entry.off || entry.atMs > this.#nowMs) continue;
      entry.off = true;
      entry.fire();
    }
  }
}

function warnings(): { readonly log: Log; readonly said: Record<string, unknown>[] } {
  const said: Record<string, unknown>[] = [];
  return {
    said,
    log: { info: () => {}, warn: (message, fields) => said.push({ message, ...fields }) },
  };
}

async function until(isSo: () => boolean): Promise<void> {
  const startedMs = performance.now();
  while (!isSo()) {
    assert.ok(performance.now() - startedMs < 5_000, "it did not come about in 5 s");
    await new Promise((resolve) => setImmediate(resolve));
  }
}

const LINE = `${"x".repeat(99)}\n`;

test("LogSink: lines reach the file 200 ms after they were written, not one by one", async () => {
  const clock = new HandClock();
  const path = join(folder, "timed");
  const sink = await LogSink.open({ destination: path, clock, log: undefined });

  sink.writeLine("a\n");
  clock.advance(199);
  sink.writeLine("b\n");
  const before = readFileSync(path, "utf8");
  clock.advance(1);
  await until(() => statSync(path).size > 0);

  assert.equal(before, "");
  assert.equal(readFileSync(path, "utf8"), "a\nb\n");
  await sink.close();
});

test("LogSink: close loses nothing, and nobody else can read the file", async () => {
  const path = join(folder, "closed");
  const sink = await LogSink.open({ destination: path, clock: realClock, log: undefined });

  for (let index = 0; index < 10_000; index++) sink.writeLine(`${index}\n`);
  await sink.close();
  sink.writeLine("late\n");

  const lines = readFileSync(path, "utf8").split("\n");
  assert.deepEqual(lines, [...Array(10_000).keys(), ""].map(String));
  assert.equal(statSync(path).mode & 0o007, 0);
  assert.equal(sink.dropped, 1);
});

test("LogSink: reopen after a rename loses no line and cuts none", async () => {
  const path = join(folder, "rotated");
  const sink = await LogSink.open({ destination: path, clock: realClock, log: undefined });

  for (let index = 0; index < 2_000; index++) sink.writeLine(LINE);
  renameSync(path, `${path}.1`);
  for (let index = 0; index < 2_000; index++) sink.writeLine(LINE);
  await sink.reopen();
  for (let index = 0; index < 2_000; index++) sink.writeLine(LINE);
  await sink.close();

  const [old, fresh] = [`${path}.1`, path].map((each) => readFileSync(each, "utf8"));
  assert.equal(old!.length + fresh!.length, 6_000 * 100);
  assert.equal(old!.length % 100, 0);
  assert.ok(fresh!.length >= 2_000 * 100);
  assert.ok(old!.length > 0);
});

test("LogSink: a file that cannot be opened is told of at once", async () => {
  const destination = join(folder, "missing/log");

  await assert.rejects(LogSink.open({ destination, clock: realClock, log: undefined }), {
    code: "ENOENT",
  });
});

test("LogSink: a full disk drops past the backlog, counts, warns once, and ends in time", async () => {
  const { log, said } = warnings();
  const options = { destination: "/dev/full", clock: realClock, log, backlogBytesMax: 256 * 1024 };
  const sink = await LogSink.open(options);

  for (let index = 0; index < 10_000; index++) sink.writeLine(LINE);
  const droppedBefore = sink.dropped;
  await sink.close();

  assert.ok(droppedBefore > 7_000 && droppedBefore < 9_000, String(droppedBefore));
  assert.equal(sink.dropped, 10_000);
  assert.equal(said.length, 1);
});

test("LogSink: what a full disk did not take is written where there is room again", async () => {
  const clock = new HandClock();
  const { log, said } = warnings();
  const path = join(folder, "link");
  execFileSync("ln", ["-s", "/dev/full", path]);
  const sink = await LogSink.open({ destination: path, clock, log });

  sink.writeLine("kept\n");
  clock.advance(200);
  await until(() => said.length === 1);
  execFileSync("ln", ["-sfn", join(folder, "roomy"), path]);
  await sink.reopen();
  await sink.close();

  assert.equal(said[0]!["reason"], "ENOSPC");
  assert.equal(readFileSync(join(folder, "roomy"), "utf8"), "kept\n");
  assert.equal(sink.dropped, 0);
});

test("LogSink: a stalled reader of a pipe holds nobody up, and gets whole lines when it is back", async () => {
  const path = join(folder, "pipe");
  execFileSync("mkfifo", [path]);
  const reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  const { log, said } = warnings();
  const options = { destination: path, clock: realClock, log, backlogBytesMax: 512 * 1024 };
  const sink = await LogSink.open(options);

  const startedMs = performance.now();
  for (let index = 0; index < 20_000; index++) sink.writeLine(LINE);
  const spentMs = performance.now() - startedMs;
  const dropped = sink.dropped;
  const closed = sink.close(4_000);
  let text = "";
  const chunk = Buffer.alloc(65_536);
  let isClosed = false;
  void closed.then(() => {
    isClosed = true;
  });
  while (!isClosed) {
    text += readNow(reader, chunk);
    await new Promise((resolve) => setImmediate(resolve));
  }
  for (let more = readNow(reader, chunk); more !== ""; more = readNow(reader, chunk)) text += more;
  closeSync(reader);

  assert.ok(spentMs < 1_000, `${spentMs} ms`);
  assert.ok(dropped > 10_000);
  assert.equal(said.length, 1);
  assert.equal(text, LINE.repeat(20_000 - dropped));
});

function readNow(fd: number, chunk: Buffer): string {
  try {
    return chunk.toString("latin1", 0, readSync(fd, chunk));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EAGAIN") return "";
    throw error;
  }
}

/** A program that logs to standard output, with what it says at its end on standard error. */
const PROGRAM = `
  import { LogSink } from ${JSON.stringify(new URL("./log-sink.ts", import.meta.url).href)};
  import { SystemClock } from ${JSON.stringify(new URL("../base/system-clock.ts", import.meta.url).href)};
  const realClock = new SystemClock();
  const sink = await LogSink.open({ destination: "stdout", clock: realClock, log: undefined, backlogBytesMax: 524288 });
  for (let index = 0; index < 20000; index++) sink.writeLine(${JSON.stringify(LINE)});
  const startedMs = performance.now();
  await sink.close(300);
  const closedMs = performance.now() - startedMs;
  process.stderr.write(JSON.stringify({ dropped: sink.dropped, closedMs }) + "\\n", () => process.exit(0));
`;

async function programTold(
  shut: "at once" | "never",
): Promise<{ dropped: number; closedMs: number }> {
  const child = spawn(process.execPath, ["--input-type=module", "-e", PROGRAM], {
    stdio: ["ignore", "pipe", "pipe"],
    timeout: 8_000,
  });
  if (shut === "at once") child.stdout.destroy();
  else child.stdout.pause(); // nobody reads
  let told = "";
  child.stderr.on("data", (bytes: Buffer) => {
    told += bytes.toString();
  });
  const code = await new Promise((resolve) => child.once("exit", resolve));
  assert.equal(code, 0, told);
  return JSON.parse(told);
}

test("LogSink: standard output with a reader that went away does not end the program", async () => {
  const told = await programTold("at once");

  assert.equal(told.dropped, 20_000);
});

test("LogSink: standard output with a stalled reader lets the program end in time", async () => {
  const told = await programTold("never");

  assert.ok(told.dropped > 10_000);
  assert.ok(told.closedMs < 2_000, String(told.closedMs));
});

test("LogSink: any number of them on one standard stream leave one listener there", () => {
  const program = `
    import { openTarget } from ${JSON.stringify(new URL("./log-target.ts", import.meta.url).href)};
    for (let count = 0; count < 20; count++) (await openTarget("stderr")).close();
    process.stdout.write(String(process.stderr.listenerCount("error")));
  `;

  const { stdout, stderr } = spawnSync(process.execPath, ["--input-type=module", "-e", program], {
    encoding: "utf8",
    timeout: 8_000,
  });

  assert.equal(stdout, "1");
  assert.equal(stderr, "", "no warning of a leak");
});
