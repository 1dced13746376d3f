/** `npm start` does what its page says, and goes away when it is told to. */
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { test } from "node:test";

const ROOT = join(import.meta.dirname, "..", "..");
test("quick start: the lines that it invites to work, and Ctrl-C ends it", async () => {
  const script = join(ROOT, "tools", "quickstart.ts");
  const child = spawn(process.execPath, [script], { stdio: ["ignore", "pipe", "pipe"] });
  try {
    const { site, admin } = await invitation(child);
    const origins = [await seen(`${site}/`), await seen(`${site}/`)].map(({ origin }) => origin);
    assert.deepEqual(origins.sort(), ["one", "two"]);
    assert.equal((await seen(`${site}/api/users?id=7`)).url, "/users?id=7");
    assert.equal((await fetch(`${site}/hello`)).status, 200);
    const redirect = await fetch(`${site}/old/page`, { redirect: "manual" });
    assert.equal(redirect.status, 308);
    assert.equal(redirect.headers.get("location"), "/new/page");
    assert.match(await (await fetch(`${admin}/metrics`)).text(), /^sluice_/m);

    child.kill("SIGINT");
    assert.deepEqual(await once(child, "exit"), [0, null]);
    await assert.rejects(fetch(`${site}/hello`)); // nothing is left that listens
  } finally {
    child.kill("SIGTERM");
  }
});

/** What an origin says that reached it. */
async function seen(url: string): Promise<{ origin: string; url: string }> {
  return (await (await fetch(url)).json()) as { origin: string; url: string };
}

/** The two addresses, from what it prints. */
async function invitation(child: ChildProcess): Promise<{ site: string; admin: string }> {
  let said = "";
  child.stderr!.setEncoding("utf8").on("data", (text: string) => {
    said += text;
  });
  child.stdout!.setEncoding("utf8");
  for await (const text of child.stdout!.iterator({ destroyOnReturn: false })) {
    said += text;
    const site = /sluice\.yaml on (http:\S+)/.exec(said)?.[1];
    const admin = /curl (http:\S+)\/metrics/.exec(said)?.[1];
    if (site === undefined || admin === undefined) continue;
    child.stdout!.resume();
    return { site, admin };
  }
  assert.fail(`it ended before it was ready:\n${said}`);
}
