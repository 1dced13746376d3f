/**
 * uNetworking/h1spec, run as it is from a checkout beside the project: its one file is Deno code,
 * so a child process gives it the few parts of Deno that it uses.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Origin } from "../support/origin.ts";
import { forwardTo } from "../support/scenario.ts";
import { fileFrom } from "./checkout.ts";
import { type Outcome, type Suite, settle } from "./suite.ts";

const SHIM = new URL("deno-shim.ts", import.meta.url).href;

export const h1spec: Suite = {
  name: "h1spec",
  about: "uNetworking/h1spec",
  async run({ start, path }) {
    const code = path === undefined ? undefined : fileFrom(path, "http_test.ts");
    if (code === undefined) return { skipped: "needs --path, a checkout of uNetworking/h1spec" };
    // The suite wants a server that echoes bodies.
    const origin = await Origin.open(
      ({ body }) => `HTTP/1.1 200 OK\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
    );
    const proxy = await start(forwardTo(origin.url));
    const output = await play(code, proxy.port);
    await proxy.stop();
    await origin.close();
    return { groups: settle(outcomesIn(output)) };
  },
};

async function play(code: string, port: number): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "sluice-h1spec-"));
  const file = join(folder, "suite.ts");
  await writeFile(file, code);
  const child = spawn(process.execPath, ["--import", SHIM, file, "127.0.0.1", String(port)], {
    stdio: ["ignore", "pipe", "pipe"],
    timeout: 30_000,
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => {
      output += text;
    });
  }
  await once(child, "close");
  await rm(folder, { recursive: true });
  return output;
}

/** The suite prints a line for each case, with a mark in front. */
function outcomesIn(output: string): Outcome[] {
  const lines = output.split("\n").filter((line) => /^(✅|❌)|^Error in test/.test(line));
  if (lines.length === 0) throw new Error(`the suite printed no result:\n${output}`);
  return lines.map((line) => ({
    group: "cases",
    id: line.replace(/^\S+ /, "").replace(/:.*/, ""),
    passed: line.startsWith("✅"),
    detail: line,
    gap: undefined,
  }));
}
