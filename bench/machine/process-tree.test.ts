import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { test } from "node:test";
import { cpuNs, memory, processTree } from "./process-tree.ts";

const isLinux = process.platform === "linux";

test("processTree: holds a child's child", { skip: !isLinux }, async (t) => {
  const shell = spawn("sh", ["-c", "sleep 30 & echo $!; wait"], { stdio: "pipe", detached: true });
  t.after(() => process.kill(-shell.pid!)); // the group: the grandchild goes too
  const [line] = await once(shell.stdout, "data");

  const tree = processTree(shell.pid!);

  assert.deepEqual([...tree], [shell.pid, Number(line)]);
});

test("cpuNs: grows by what the process works", { skip: !isLinux }, () => {
  const before = cpuNs([process.pid]);
  const startedUs = process.cpuUsage();
  while (process.cpuUsage(startedUs).user < 30_000);
  const usedNs = cpuNs([process.pid]) - before;

  // One tick of the scheduler may be missing on either side.
  assert.ok(usedNs > 10_000_000, `${usedNs} ns for 30 ms of work`);
});

test("cpuNs: a process that is gone used nothing", { skip: !isLinux }, () => {
  assert.equal(cpuNs([2 ** 30]), 0);
});

test("memory: the peak is no less than what is resident", { skip: !isLinux }, () => {
  const { residentBytes, peakBytes } = memory([process.pid]);

  assert.ok(residentBytes > 1_000_000);
  assert.ok(peakBytes >= residentBytes);
});
