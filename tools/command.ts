import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

export const ROOT = fileURLToPath(new URL("..", import.meta.url));

export interface Ended {
  readonly code: number;
  readonly output: string; // stdout and stderr, in the order they came
}

/** Runs a program of node_modules/.bin or the PATH in the root, and collects its output. */
export function runCommand(program: string, args: readonly string[], timeoutMs: number) {
  return new Promise<Ended>((resolve) => {
    const path = `${ROOT}node_modules/.bin:${process.env["PATH"] ?? ""}`;
    const child = spawn(program, args, {
      cwd: ROOT,
      env: { ...process.env, PATH: path },
      stdio: ["ignore", "pipe", "pipe"],
      timeout: timeoutMs,
    });
    let output = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => (output += text));
    child.stderr.setEncoding("utf8").on("data", (text: string) => (output += text));
    child.on("error", (error) => resolve({ code: 127, output: `${output}${error.message}\n` }));
    child.on("close", (code, signal) => {
      if (signal !== null) output += `${program} was stopped by ${signal} after ${timeoutMs} ms\n`;
      resolve({ code: code ?? 1, output });
    });
  });
}
