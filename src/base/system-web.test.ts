import assert from "node:assert/strict";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { createServer, type Server } from "node:net";
import { type TestContext, test } from "node:test";
import { SystemWeb } from "./system-web.ts";
import type { WebQuestion } from "./world.ts";

/** A server that says this, whatever it is asked, and leaves the connection open. */
async function saying(t: TestContext, bytes: string, then: "open" | "end" = "open") {
  const server: Server = createServer((socket) => {
    socket.on("error", () => {});
    socket.once("data", () => {
      socket.write(bytes);
      if (then === "end") socket.end();
    });
    t.after(() => socket.destroy());
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}

function ask(url: string, more: Partial<WebQuestion> = {}) {
  return new SystemWeb().ask({
    method: "GET",
    url,
    headers: {},
    body: undefined,
    roots: undefined,
    timeoutMs: 3_000,
    answerBytesMax: 1_000,
    ...more,
  });
}

test("SystemWeb: status, fields and body; a redirect is an answer", async (t) => {
  const url = await saying(
    t,
    "HTTP/1.1 302 Found\r\nLocation: /x\r\nX-A: 1\r\nX-A: 2\r\nContent-Length: 2\r\n\r\nhi",
  );

  const { status, headers, body } = await ask(url);

  assert.equal(status, 302);
  assert.equal(headers.get("location"), "/x");
  assert.equal(headers.get("x-a"), "1, 2");
  assert.equal(Buffer.from(body).toString(), "hi");
});

// biome-ignore format: a table
const bad: readonly [string, string, "open" | "end", Partial<WebQuestion>, RegExp][] = [
  ["nothing at all",           "",                                                     "open", { timeoutMs: 100 }, /no answer within 0\.1 s/],
  ["half of a head",           "HTTP/1.1 200 OK\r\nA:",                                "open", { timeoutMs: 100 }, /no answer within 0\.1 s/],
  ["a body that never ends",   "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhi",       "open", { timeoutMs: 100 }, /no answer within 0\.1 s/],
  ["a body that is cut",       "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhi",       "end",  {},                 /aborted|cut/],
  ["a body that is too long",  `HTTP/1.1 200 OK\r\nContent-Length: 2000\r\n\r\n${"x".repeat(2_000)}`, "open", {}, /too long/],
  ["chunks that are too long", `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n7d0\r\n${"x".repeat(2_000)}\r\n`, "open", {}, /too long/],
  ["garbage",                  "\u0000\u0001\u0002 what?\r\n\r\n",                     "end",  {},                 /Parse Error/],
];
for (const [name, bytes, then, more, want] of bad) {
  test(`SystemWeb: ${name} rejects, and says why`, async (t) => {
    const url = await saying(t, bytes, then);

    await assert.rejects(ask(url, more), want);
  });
}

test("SystemWeb: nobody there, and nobody who speaks TLS", async (t) => {
  const url = await saying(t, "HTTP/1.1 200 OK\r\n\r\n", "end");

  await assert.rejects(ask("http://127.0.0.1:9/"), /ECONNREFUSED/);
  await assert.rejects(ask(url.replace("http:", "https:")), /SSL|wrong version|packet length/i);
});
