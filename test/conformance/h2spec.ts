/**
 * summerwind/h2spec, a program of its own: built beside the project, and given with
 * `--path h2spec=FILE`. It asks for `/`, and its origin reads a request to its end before it
 * answers, since an early answer, which is allowed, is not what most cases wait for.
 */
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Origin } from "../support/origin.ts";
import { forwardTo } from "../support/scenario.ts";
import { type Outcome, type Suite, settle } from "./suite.ts";

const TIMEOUT_MS = 300_000;
const H2C = { top: 'listeners: { "*": { protocols: [h2c] } }' };

export const h2spec: Suite = {
  name: "h2spec",
  about: "summerwind/h2spec, strict, over HTTP/2 without TLS",
  async run({ start, path }) {
    if (path === undefined) return { skipped: "needs --path, the program built from h2spec" };
    // Windows show in a body only.
    const origin = await Origin.open(() => "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello");
    const proxy = await start(forwardTo(origin.url, H2C));
    const report = await play(path, proxy.port);
    await proxy.stop();
    await origin.close();
    return { groups: settle(outcomesIn(report)) };
  },
};

/** Its report, as JUnit's XML. */
async function play(program: string, port: number): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "sluice-h2spec-"));
  const file = join(folder, "report.xml");
  const args = ["--strict", "-h", "127.0.0.1", "-p", String(port), "-o", "2", "-j", file];
  // Its exit code says whether all passed, which the report says better.
  await new Promise((resolve) => execFile(program, args, { timeout: TIMEOUT_MS }, resolve));
  const report = await readFile(file, "utf8");
  await rm(folder, { recursive: true });
  return report;
}

function outcomesIn(report: string): Outcome[] {
  const cases = report.matchAll(
    /<testcase package="([^"]*)" classname="([^"]*)"[^>]*?(?:\/>|>([\s\S]*?)<\/testcase>)/g,
  );
  const outcomes = [...cases].map(([, section = "", name = "", inner = ""]) => ({
    group: section.replace(/\/.*/, ""),
    id: `${section} ${name}`,
    passed: !/<(?:failure|error|skipped)/.test(inner),
    detail: inner.replace(/<[^>]*>/g, " ").trim(),
    gap: undefined,
  }));
  if (outcomes.length === 0) throw new Error("h2spec has reported nothing");
  return outcomes;
}
