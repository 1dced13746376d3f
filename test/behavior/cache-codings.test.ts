/** A cache behind compression, over real sockets and with the real encoders. */
import assert from "node:assert/strict";
import { connect } from "node:net";
import { brotliDecompressSync, gunzipSync, zstdDecompressSync } from "node:zlib";
import { ask, httpOrigin, textOf, texts } from "../support/coded-origin.ts";
import { scenario } from "../support/scenario.ts";

const LENGTHS = [1_024, 16_384, 16_385, 100_000, 1_000_000];
const DECODE = { gzip: gunzipSync, br: brotliDecompressSync, zstd: zstdDecompressSync };

const config = (url: string) => `
  upstreams: { app: "${url}" }
  sites: [{ hosts: ["*"], compress: true, cache: 1h, routes: [{ forward: app }] }]
`;

for (const coding of ["gzip", "br", "zstd"] as const) {
  scenario(
    `codings in the cache: ${coding} of every length is whole, cold and warm`,
    async (it) => {
      let asked = 0;
      const origin = await httpOrigin(it, (request, response) => {
        asked++;
        texts(request, response);
      });
      const { port } = await it.proxy(config(origin));
      const fetched = (length: number, accept: string) =>
        ask(`http://127.0.0.1:${port}/${length}`, { headers: { "accept-encoding": accept } });

      for (const length of LENGTHS) {
        const crowd = await Promise.all(Array.from({ length: 20 }, () => fetched(length, coding)));
        const warm = await fetched(length, coding);
        const plain = await fetched(length, "identity");

        for (const { message, body } of [...crowd, warm]) {
          assert.equal(message.headers["content-encoding"], coding);
          assert.equal(message.headers.etag, 'W/"v1"');
          assert.ok(DECODE[coding](body).equals(textOf(length)), `${length}`);
        }
        assert.equal(warm.message.headers["content-length"], `${warm.body.length}`);
        assert.ok(plain.body.equals(textOf(length)));
      }
      assert.equal(asked, LENGTHS.length);
    },
  );
}

scenario("codings in the cache: the log and the metrics tell what was saved", async (it) => {
  const proxy = await it.proxyHere(config(await httpOrigin(it, texts)));
  const url = `http://127.0.0.1:${proxy.port}/100000`;
  const headers = { "accept-encoding": "gzip" };

  const { body } = await ask(url, { headers });
  await ask(url, { headers });

  const lines = await proxy.accessLines(2);
  assert.deepEqual(
    lines.map(({ cache, coding, bytes_plain }) => [cache, coding, bytes_plain]),
    [
      ["miss", "gzip", 100_000],
      ["hit", "gzip", 100_000],
    ],
  );
  const bytes = await proxy.metric("sluice_cache_stored_bytes");
  assert.ok(bytes > 100_000 + body.length, `${bytes}`);
});

scenario("codings in the cache: clients that leave at any byte spoil it for nobody", async (it) => {
  const { port } = await it.proxy(config(await httpOrigin(it, texts)));
  const length = 400_000;
  const url = `http://127.0.0.1:${port}/${length}`;
  const request = `GET /${length} HTTP/1.1\r\nhost: a.test\r\naccept-encoding: gzip\r\n\r\n`;

  await Promise.all(
    Array.from({ length: 40 }, (_, index) => leaveAfter(port, request, index * 1_500)),
  );
  const headers = { "accept-encoding": "gzip" };
  const first = await ask(url, { headers });
  const second = await ask(url, { headers });

  assert.ok(gunzipSync(first.body).equals(textOf(length)));
  assert.equal(second.message.headers["content-length"], `${first.body.length}`);
  assert.ok(second.body.equals(first.body));
});

/** Resets the connection when so much has come. */
async function leaveAfter(port: number, request: string, bytes: number): Promise<void> {
  const socket = connect(port, "127.0.0.1");
  let came = 0;
  await new Promise<void>((resolve) => {
    socket.on("error", () => resolve());
    socket.on("close", () => resolve());
    socket.on("data", (chunk) => {
      came += chunk.length;
      if (came >= bytes) socket.resetAndDestroy();
    });
    socket.write(request);
    if (bytes === 0) socket.resetAndDestroy();
  });
}
