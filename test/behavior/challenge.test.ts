/** A browser solves the challenge by itself; everybody else gets a code; all workers take the answer. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { type IncomingMessage, request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runInNewContext } from "node:vm";
import { eventually } from "../support/deadline.ts";
import { part, skipWithout } from "../support/parts.ts";
import { scenario } from "../support/scenario.ts";

const SITE = (route: string, top = "") => `{ ${top} sites: [{ hosts: ["*"], routes: [
  { ${route}, respond: { status: 200, body: "<p>the page itself</p>", headers: { content-type: text/html } } } ] }] }`;

/** Chromium with that page, until `done`. */
async function browse(url: string, done: () => Promise<unknown>): Promise<void> {
  const profile = await mkdtemp(join(tmpdir(), "sluice-chromium-"));
  const flags = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"];
  const own = [`--user-data-dir=${profile}`, "--remote-debugging-port=0"]; // or it would not stay
  const browser = spawn(part("chromium")!, [...flags, ...own, url], { stdio: "ignore" });
  const exit = once(browser, "exit");
  try {
    await done();
  } finally {
    browser.kill("SIGTERM");
    await exit;
    await rm(profile, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 });
  }
}

scenario(
  "challenge: Chromium gets to the page by itself",
  async (it) => {
    const proxy = await it.proxyHere(SITE("challenge: { difficulty: 10 }"));

    await browse(`http://127.0.0.1:${proxy.port}/`, () =>
      eventually(
        async () => {
          const lines = await proxy.accessLines(1);
          return lines.some(({ status, path }) => status === 200 && path === "/")
            ? true
            : undefined;
        },
        () => "the page itself",
        40_000,
      ),
    );

    const [first] = await proxy.accessLines(2);
    assert.equal(first!["fault"], "challenge_required");
  },
  { skip: skipWithout("chromium"), timeoutMs: 90_000 },
);

async function get(port: number, headers: Record<string, string>) {
  const asked = request({ port, host: "127.0.0.1", agent: false, headers });
  asked.end();
  const [response] = (await once(asked, "response")) as [IncomingMessage];
  let body = "";
  for await (const text of response.setEncoding("utf8")) body += text;
  return { status: response.statusCode, body };
}

scenario(
  "challenge: an answer got from one worker is good at the other, and after a reload",
  async (it) => {
    const config = SITE("challenge: { difficulty: 8 }", "workers: 2,");
    const proxy = await it.proxyHere(config);
    const { body: page } = await get(proxy.port, { accept: "text/html" });
    assert.equal((await get(proxy.port, { accept: "application/json" })).status, 403);
    const source = JSON.parse(/var source=(".*");/.exec(page)![1]!) as string;
    const [, puzzle, bits] = /postMessage\(\['([^']+)',(\d+)\]/.exec(page)!;
    let cookie = "";
    const scope = {
      Math,
      puzzle,
      bits: Number(bits),
      postMessage: (pass: string) => (cookie = pass),
    };
    runInNewContext(`${source};onmessage({data:[puzzle,bits]})`, scope);

    const statuses = await Promise.all(
      Array.from(
        { length: 20 },
        async () => (await get(proxy.port, { cookie: `sluice_pass=${cookie}` })).status,
      ),
    );
    await proxy.reload(config);
    const after = await get(proxy.port, { cookie: `sluice_pass=${cookie}` });

    assert.deepEqual(new Set(statuses), new Set([200]));
    assert.equal(after.status, 200);
  },
);
