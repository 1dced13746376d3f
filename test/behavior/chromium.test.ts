/** A real browser: a page over HTTP/2, and a WebSocket on a stream (RFC 8441). */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { WebSocketServer } from "ws";
import { within } from "../support/deadline.ts";
import { part, skipWithout } from "../support/parts.ts";
import { type Scenario, scenario } from "../support/scenario.ts";
import { certificateFor } from "../support/tls-stage.ts";

const PAGE = `<!doctype html><title>page</title><script>
  const socket = new WebSocket("wss://" + location.host + "/socket", "chat");
  const tell = (message) => fetch("/told", { method: "POST", body: JSON.stringify({
    message, protocol: socket.protocol,
    page: performance.getEntriesByType("navigation")[0].nextHopProtocol }) });
  socket.onopen = () => socket.send("grüße");
  socket.onmessage = ({ data }) => tell(data);
  socket.onerror = () => tell("error");
</script>`;

interface Told {
  readonly message: string;
  readonly protocol: string;
  readonly page: string;
}

/** Serves the page, echoes on WebSockets, and hears what the page tells. */
async function startOrigin(it: Scenario) {
  const told = Promise.withResolvers<Told>();
  const server = createServer(async (request, response) => {
    if (request.method !== "POST") {
      response.setHeader("content-type", "text/html; charset=utf-8").end(PAGE);
      return;
    }
    let text = "";
    for await (const chunk of request.setEncoding("utf8")) text += chunk;
    response.end();
    told.resolve(JSON.parse(text) as Told);
  }).listen(0, "127.0.0.1");
  const sockets = new WebSocketServer({ server, handleProtocols: () => "chat" });
  sockets.on("connection", (socket) => socket.on("message", (data) => socket.send(String(data))));
  await once(server, "listening");
  it.defer(() => {
    for (const each of sockets.clients) each.terminate();
    server.closeAllConnections();
    server.close();
  });
  return { port: (server.address() as AddressInfo).port, told: told.promise };
}

async function startChromium(it: Scenario, url: string): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "sluice-chromium-"));
  const flags = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"];
  const quiet = ["--no-first-run", "--disable-background-networking", "--disable-sync"];
  const where = [`--user-data-dir=${folder}`, "--host-resolver-rules=MAP a.test 127.0.0.1"];
  const args = [...flags, ...quiet, ...where, "--ignore-certificate-errors", url];
  const child = spawn(part("chromium")!, args, { stdio: "ignore", detached: true });
  it.defer(async () => {
    process.kill(-child.pid!, "SIGKILL"); // its own group: it has many processes
    await once(child, "exit");
    await rm(folder, { recursive: true, force: true, maxRetries: 10 });
  });
}

scenario(
  "chromium: a page comes over HTTP/2, and so does its WebSocket",
  async (it) => {
    const origin = await startOrigin(it);
    const { cert, key } = await certificateFor(it, ["a.test"]);
    // Without HTTP/1.1 there is no other way for the WebSocket.
    const proxy =
      await it.proxy(`{ listeners: { "*": { protocols: [h2] } }, upstreams: { web: "127.0.0.1:${origin.port}" },
      sites: [{ hosts: a.test, tls: { cert: ${cert}, key: ${key} }, routes: [{ forward: web }] }] }`);

    await startChromium(it, `https://a.test:${proxy.port}/`);
    const told = await within(origin.told, () => "what the page has to tell", 30_000);

    assert.deepEqual(told, { message: "grüße", protocol: "chat", page: "h2" });
  },
  { skip: skipWithout("openssl") || skipWithout("chromium") },
);
