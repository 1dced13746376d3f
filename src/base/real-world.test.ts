import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { test } from "node:test";
import { realWorld } from "./real-world.ts";
import { StreamLog } from "./stream-log.ts";
import { SystemClock } from "./system-clock.ts";

test("SystemClock: a timer fires once, after its delay, and a cancelled one does not", async () => {
  const clock = new SystemClock();
  const startedMs = clock.nowMs();
  const cancelled = clock.after(1, () => assert.fail("cancelled"));

  cancelled.cancel();
  cancelled.cancel();
  const firedMs = await new Promise<number>((resolve) => {
    clock.after(20.4, () => resolve(clock.nowMs()));
    setTimeout(() => {}, 100); // the clock's own timers do not keep the process alive
  });

  assert.ok(firedMs - startedMs >= 19.9, `${firedMs - startedMs} ms`);
});

test("SystemClock: a delay longer than setTimeout can do does not fire at once", (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const clock = new SystemClock();
  let fires = 0;
  clock.after(2 ** 31 + 1000, () => {
    fires += 1;
  });
  clock.after(Number.POSITIVE_INFINITY, () => assert.fail("never is not now"));

  t.mock.timers.tick(2 ** 31 - 1);
  assert.equal(fires, 0);
  t.mock.timers.tick(1001);

  assert.equal(fires, 1);
});

test("SystemClock: no timer keeps the process alive", () => {
  const url = new URL("./system-clock.ts", import.meta.url).href;
  const script = `import { SystemClock } from ${JSON.stringify(url)};
    new SystemClock().after(60_000, () => {}); console.log("over");`;

  const out = execFileSync(process.execPath, ["--input-type=module", "-e", script], {
    timeout: 10_000,
    encoding: "utf8",
  });

  assert.equal(out, "over\n");
});

test("StreamLog: one JSON line each, and a field cannot pose as the level", () => {
  const lines: string[] = [];
  const log = new StreamLog({ wallMs: () => 0 }, (line) => lines.push(line));

  log.info("config reloaded", { to: 2 });
  log.warn("a\nb", { level: "info", time: "never", message: "x" });

  assert.deepEqual(
    lines.map((line) => JSON.parse(line)),
    [
      { to: 2, time: "1970-01-01T00:00:00.000Z", level: "info", message: "config reloaded" },
      { time: "1970-01-01T00:00:00.000Z", level: "warn", message: "a\nb" },
    ],
  );
  assert.ok(lines.every((line) => line.indexOf("\n") === line.length - 1));
});

test("realWorld: a seed fixes its choices, and without one they differ", () => {
  const run = (seed?: number) => {
    const { random } = realWorld(seed === undefined ? {} : { seed });
    return Array.from({ length: 8 }, () => random.below(2 ** 32)).join();
  };

  assert.equal(run(5), run(5));
  assert.notEqual(run(), run());
});

test("realWorld: goes on when nobody reads its stderr any more", async () => {
  const url = new URL("./real-world.ts", import.meta.url).href;
  const script = `import { realWorld } from ${JSON.stringify(url)};
    const { log } = realWorld();
    process.stdin.once("data", () => {
      for (let line = 0; line < 3; line++) setTimeout(() => log.warn("to nobody"), line * 10);
      setTimeout(() => process.exit(7), 50);
    });
    console.log("ready");`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", script], { stdio: "pipe" });
  await once(child.stdout, "data");

  child.stderr.destroy();
  child.stdin.write("go");
  const [code] = await once(child, "exit");

  assert.equal(code, 7);
});
