/** Bodies that take their time, break off, or are not wanted any more, on a route that compresses. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { get, type IncomingMessage } from "node:http";
import { gunzipSync, zstdDecompressSync } from "node:zlib";
import { ask, compressing, httpOrigin, textOf, texts } from "../support/coded-origin.ts";
import { eventually } from "../support/deadline.ts";
import { scenario } from "../support/scenario.ts";

const CODINGS = ["gzip", "br", "zstd"] as const;

scenario("compression: server-sent events can be read one by one", async (it) => {
  const responses: { write(text: string): void; end(): void }[] = [];
  const origin = await httpOrigin(it, (_request, response) => {
    response.writeHead(200, { "content-type": "text/event-stream" });
    response.flushHeaders();
    responses.push(response);
  });
  const { port } = await it.proxy(compressing(origin));

  for (const [index, coding] of CODINGS.entries()) {
    // fetch takes the coding off, and gives what it can read.
    const response = await fetch(`http://127.0.0.1:${port}/`, {
      headers: { "accept-encoding": coding },
    });
    assert.equal(response.headers.get("content-encoding"), coding, "the head comes by itself");
    const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
    for (let number = 0; number < 10; number++) {
      responses[index]!.write(`data: ${coding} ${number}\n\n`);
      assert.equal((await reader.read()).value, `data: ${coding} ${number}\n\n`);
    }
    responses[index]!.end();
    assert.equal((await reader.read()).done, true);
  }
});

scenario("compression: clients that leave at any moment leave nothing behind", async (it) => {
  const { port, metrics } = await it.proxy(compressing(await httpOrigin(it, texts)));

  for (let index = 0; index < 60; index++) {
    const message = await new Promise<IncomingMessage>((resolve, reject) => {
      const headers = { "accept-encoding": CODINGS[index % 3] };
      const url = `http://127.0.0.1:${port}/${index % 2 === 0 ? 3_000_000 : 20_000}`;
      get(url, { headers, agent: false }, resolve).on("error", reject);
    });
    message.on("error", () => {});
    if (index % 4 > 1) await once(message, "readable");
    message.destroy();
  }
  const page = await ask(`http://127.0.0.1:${port}/50000`, {
    headers: { "accept-encoding": "gzip" },
  });

  assert.ok(gunzipSync(page.body).equals(textOf(50_000)));
  await eventually(
    async () => (/sluice_requests_active 0\n/.test(await metrics()) ? true : undefined),
    () => "no request active",
  );
});

scenario("compression: an origin that breaks off is not taken for a whole", async (it) => {
  const origin = await it.origin(
    `HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 100000\r\n\r\n${"x".repeat(40_000)}<hang up>`,
  );
  const { port } = await it.proxy(compressing(origin.url));

  const outcome = await ask(`http://127.0.0.1:${port}/`, {
    headers: { "accept-encoding": "gzip" },
  }).catch((error: NodeJS.ErrnoException) => error.code);

  assert.equal(outcome, "ECONNRESET");
});

scenario("compression: beyond limits.codecBytes responses go out as they are", async (it) => {
  const waiting: { end(text: string): void }[] = [];
  const origin = await httpOrigin(it, (request, response) => {
    response.writeHead(200, { "content-type": "text/plain" });
    response.write("begun");
    if (request.url === "/slow") waiting.push(response);
    else response.end();
  });
  const { port, metrics } = await it.proxy(compressing(origin, "true", "{ codecBytes: 2MiB }"));
  const url = `http://127.0.0.1:${port}`;
  const accept = { headers: { "accept-encoding": "zstd" } };

  const first = ask(`${url}/slow`, accept);
  await eventually(
    () => waiting[0],
    () => "the first to be under way",
  );
  const second = await ask(`${url}/`, accept);
  waiting[0]!.end("");
  const coded = await first;
  const third = await ask(`${url}/`, accept);

  assert.equal(zstdDecompressSync(coded.body).toString(), "begun");
  assert.equal(second.message.headers["content-encoding"], undefined);
  assert.equal(second.message.headers.vary, "accept-encoding");
  assert.equal(second.body.toString(), "begun");
  assert.equal(third.message.headers["content-encoding"], "zstd");
  assert.match(await metrics(), /sluice_uncompressed_responses_total\{reason="busy"\} 1\n/);
});
