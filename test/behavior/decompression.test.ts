/** What upstreams get of a route that decompresses, and what clients are told who send something else. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import {
  brotliCompressSync,
  deflateRawSync,
  deflateSync,
  gzipSync,
  zstdCompressSync,
} from "node:zlib";
import { ask, httpOrigin, textOf } from "../support/coded-origin.ts";
import { part, skipWithout } from "../support/parts.ts";
import { type Scenario, scenario } from "../support/scenario.ts";

interface Came {
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: Buffer;
}

/** An origin that keeps what it gets, and a proxy that decompresses on the way there. */
async function decompressing(it: Scenario, options = "true", more = "") {
  const came: Came[] = [];
  const origin = await httpOrigin(it, async (request, response) => {
    const pieces: Buffer[] = [];
    try {
      for await (const piece of request) pieces.push(piece as Buffer);
    } catch {
      return; // cut, as it should be where the body is refused
    }
    came.push({ headers: request.headers, body: Buffer.concat(pieces) });
    response.end("taken");
  });
  const proxy = await it.proxy(`
    upstreams: { app: "${origin}" }
    listeners: { "*": { protocols: [h1, h2c] } }
    sites: [{ hosts: ["*"], routes: [{ decompress: ${options}, ${more} forward: app }] }]
  `);
  const url = `http://127.0.0.1:${proxy.port}/`;
  const post = (body: Buffer, coding: string, headers: Readonly<Record<string, string>> = {}) =>
    ask(url, { method: "POST", body, headers: { "content-encoding": coding, ...headers } });
  return { came, post, url, proxy };
}

const TEXT = textOf(300_000);

scenario("decompression: every coding arrives as the text that it was", async (it) => {
  const { came, post, proxy } = await decompressing(it);
  const coded: [string, Buffer][] = [
    ["gzip", gzipSync(TEXT)],
    ["X-GZip", gzipSync(TEXT)],
    ["deflate", deflateSync(TEXT)],
    ["deflate", deflateRawSync(TEXT)],
    ["br", brotliCompressSync(TEXT)],
    ["zstd", zstdCompressSync(TEXT)],
  ];

  for (const [coding, body] of coded) {
    const { message } = await post(body, coding, { digest: "x", "content-type": "text/plain" });
    assert.equal(message.statusCode, 200, coding);
    const { headers, body: got } = came.at(-1)!;
    assert.ok(got.equals(TEXT), coding);
    for (const name of ["content-encoding", "content-length", "digest"]) {
      assert.equal(headers[name], undefined, name);
    }
    assert.equal(headers["content-type"], "text/plain");
  }
  const [line] = await proxy.accessLines(6);
  assert.deepEqual([line!["bytes_in"], line!["bytes_in_plain"]], [gzipSync(TEXT).length, 300_000]);
  const said = await proxy.metrics();
  assert.match(said, /sluice_decompressed_requests_total\{coding="gzip"\} 2\n/);
  assert.match(said, /sluice_decompressed_request_plain_bytes_total\{coding="zstd"\} 300000\n/);
});

scenario("decompression: what is not coded, or has no body, goes on as it is", async (it) => {
  const { came, post, url } = await decompressing(it);

  await post(TEXT, "identity");
  await ask(url, { method: "POST", body: TEXT });
  await ask(url, { headers: { "content-encoding": "gzip" } });
  await post(Buffer.alloc(0), "gzip", { "transfer-encoding": "chunked" });

  assert.deepEqual(
    came.map(({ body }) => body.length),
    [300_000, 300_000, 0, 0],
  );
  assert.equal(came[0]!.headers["content-encoding"], undefined);
  assert.equal(came[0]!.headers["content-length"], "300000");
});

const REFUSED: readonly (readonly [
  name: string,
  coding: string,
  body: Buffer,
  status: number,
  fault: string,
  options?: string,
  more?: string,
])[] = [
  ["a coding that nobody has", "lzma", TEXT, 415, "request_content_coding"],
  ["one that is not taken", "br", TEXT, 415, "request_content_coding", "{ codings: [gzip] }"],
  ["one too many", "gzip, gzip", TEXT, 415, "request_content_coding"],
  ["garbage", "gzip", TEXT, 400, "request_content_malformed"],
  ["half of it", "gzip", gzipSync(TEXT).subarray(0, 5000), 400, "request_content_malformed"],
  [
    "something behind it",
    "zstd",
    Buffer.concat([zstdCompressSync(TEXT), TEXT]),
    400,
    "request_content_malformed",
  ],
  ["too large", "gzip", gzipSync(TEXT), 413, "request_content_too_large", "{ maxBytes: 299999 }"],
  [
    "larger than bodies may be",
    "gzip",
    gzipSync(TEXT),
    413,
    "request_body_too_large",
    "true",
    "limits: { bodyBytes: 299999 },",
  ],
  ["a bomb (D8)", "gzip", gzipSync(Buffer.alloc(50_000_000)), 413, "request_content_too_large"],
  [
    "a bomb within a bomb",
    "gzip, gzip",
    gzipSync(gzipSync(Buffer.alloc(100_000_000))),
    413,
    "request_content_too_large",
    "{ maxLayers: 2 }",
  ],
];

for (const [name, coding, body, status, fault, options, more] of REFUSED) {
  scenario(`decompression: ${name} is refused with ${status}`, async (it) => {
    const { came, post, proxy } = await decompressing(it, options, more);

    const { message, body: page } = await post(body, coding);

    assert.equal(message.statusCode, status);
    assert.match(page.toString(), new RegExp(fault));
    const wanted =
      status === 415 ? (options === undefined ? "gzip, deflate, br, zstd" : "gzip") : undefined;
    assert.equal(message.headers["accept-encoding"], wanted);
    assert.equal((await proxy.accessLines(1))[0]!["fault"], fault);
    assert.deepEqual(came, [], "the upstream never has a whole request");
  });
}

scenario("decompression: two layers, where they are allowed", async (it) => {
  const { came, post } = await decompressing(it, "{ maxLayers: 2 }");

  await post(brotliCompressSync(gzipSync(TEXT)), "gzip, br");

  assert.ok(came[0]!.body.equals(TEXT));
});

scenario("decompression: split at every byte, and stalled in the middle", async (it) => {
  const { came, proxy } = await decompressing(it);
  const coded = gzipSync("hello, hello");

  for (let at = 1; at < coded.length; at++) {
    const client = await it.connect(proxy.port);
    client.send(
      `POST / HTTP/1.1\r\nhost: a.test\r\ncontent-encoding: gzip\r\ncontent-length: ${coded.length}\r\n\r\n`,
    );
    client.send(coded.subarray(0, at).toString("latin1"));
    await new Promise((resolve) => setImmediate(resolve));
    client.send(coded.subarray(at).toString("latin1"));
    assert.equal((await client.readResponse("POST")).status, 200);
    client.close();
  }

  assert.deepEqual(new Set(came.map(({ body }) => body.toString())), new Set(["hello, hello"]));
  assert.equal(came.length, coded.length - 1);
});

scenario("decompression: clients that leave in the middle leave nothing behind", async (it) => {
  const { came, post, proxy } = await decompressing(it, "true", "limits: { bodyBytes: 50MiB },");
  const coded = brotliCompressSync(TEXT);

  for (let index = 0; index < 20; index++) {
    const client = await it.connect(proxy.port);
    client.send(
      `POST / HTTP/1.1\r\nhost: a.test\r\ncontent-encoding: br\r\ncontent-length: ${coded.length}\r\n\r\n`,
    );
    client.send(coded.subarray(0, index * 100).toString("latin1"));
    await new Promise((resolve) => setImmediate(resolve));
    client.close();
  }
  // A brotli decoder counts for 17 MiB of the 128: were those kept, there would be no room for this one.
  const { message } = await post(coded, "br");

  assert.equal(message.statusCode, 200);
  assert.ok(came.at(-1)!.body.equals(TEXT));
});

scenario("decompression: routes that answer without the body keep no decoder", async (it) => {
  const { port } = await it.proxy(`
    sites: [{ hosts: ["*"], decompress: true, routes: [{ respond: answered }] }]
  `);
  const body = brotliCompressSync(TEXT);

  for (let index = 0; index < 20; index++) {
    const { message } = await ask(`http://127.0.0.1:${port}/`, {
      ...{ method: "POST", body },
      headers: { "content-encoding": "br" },
    });
    assert.equal(
      message.statusCode,
      200,
      "seven decoders of brotli are all that there is room for",
    );
  }
});

scenario(
  "decompression: curl sends a compressed file, over HTTP/1.1 and HTTP/2",
  async (it) => {
    const { came, url } = await decompressing(it);
    const folder = await mkdtemp(join(tmpdir(), "sluice-decompress-"));
    it.defer(() => rm(folder, { recursive: true }));
    const file = join(folder, "data");
    await writeFile(file, zstdCompressSync(TEXT));

    for (const version of ["--http1.1", "--http2-prior-knowledge"]) {
      const args = ["-sS", "--noproxy", "*", version, "-H", "content-encoding: zstd"];
      const { stdout } = await promisify(execFile)(
        part("curl")!,
        args.concat("-H", "expect: 100-continue", "--data-binary", `@${file}`, url),
      );
      assert.equal(stdout, "taken");
    }

    assert.deepEqual(
      came.map(({ body }) => body.equals(TEXT)),
      [true, true],
    );
  },
  { skip: skipWithout("curl") },
);
