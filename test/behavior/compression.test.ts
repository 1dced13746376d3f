/** What clients get of a route that compresses: real ones that decode, and every length of body. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { once } from "node:events";
import { connect as connectH2 } from "node:http2";
import { promisify } from "node:util";
import { brotliDecompressSync, gunzipSync, gzipSync, zstdDecompressSync } from "node:zlib";
import { ask, compressing, httpOrigin, textOf, texts } from "../support/coded-origin.ts";
import { part, skipWithout } from "../support/parts.ts";
import { scenario } from "../support/scenario.ts";

const LENGTHS = [1, 1023, 1024, 16_384, 16_385, 32_768, 100_000, 1_000_000];
const DECODE = { gzip: gunzipSync, br: brotliDecompressSync, zstd: zstdDecompressSync };
const CODINGS = ["gzip", "br", "zstd"] as const;

for (const coding of CODINGS) {
  scenario(`compression: ${coding} of every length, told and not told, is whole`, async (it) => {
    const { port } = await it.proxy(compressing(await httpOrigin(it, texts)));

    for (const length of LENGTHS) {
      for (const query of ["", "?told"]) {
        const url = `http://127.0.0.1:${port}/${length}${query}`;
        const { message, body } = await ask(url, { headers: { "accept-encoding": coding } });
        const isCoded = query === "" || length >= 1024;
        assert.equal(message.headers["content-encoding"], isCoded ? coding : undefined, url);
        assert.equal(message.headers.vary, isCoded ? "accept-encoding" : undefined);
        assert.equal(message.headers.etag, isCoded ? 'W/"v1"' : '"v1"');
        const plain = isCoded ? DECODE[coding](body) : body;
        assert.ok(plain.equals(textOf(length)), `${url}: ${plain.length} bytes`);
        if (length > 2000) assert.ok(body.length < length / 2, `${url}: ${body.length} bytes`);
      }
    }
  });
}

scenario(
  "compression: curl --compressed reads all of them, over HTTP/1.1 and HTTP/2",
  async (it) => {
    const { port } = await it.proxy(compressing(await httpOrigin(it, texts)));
    const curl = promisify(execFile);

    for (const length of [5_000, 200_000]) {
      for (const version of ["--http1.1", "--http2-prior-knowledge"]) {
        for (const accept of ["gzip", "br", "zstd", "gzip, br, zstd;q=0.1", "identity"]) {
          const { stdout } = await curl(
            part("curl")!,
            ["-sS", "--noproxy", "*", version, "--compressed"].concat(
              ...["-H", `accept-encoding: ${accept}`, `http://127.0.0.1:${port}/${length}`],
            ),
            { encoding: "latin1" },
          );
          assert.ok(stdout === textOf(length).toString("latin1"), `${accept} over ${version}`);
        }
      }
    }
  },
  { skip: skipWithout("curl") },
);

scenario("compression: fetch reads it, and many at once", async (it) => {
  const { port } = await it.proxy(compressing(await httpOrigin(it, texts)));

  const bodies = await Promise.all(
    Array.from({ length: 40 }, async (_, index) => {
      const response = await fetch(`http://127.0.0.1:${port}/${index * 3000}`);
      return (await response.text()) === textOf(index * 3000).toString();
    }),
  );

  assert.deepEqual(new Set(bodies), new Set([true]));
});

scenario("compression: over HTTP/2, several streams of one connection", async (it) => {
  const { port } = await it.proxy(compressing(await httpOrigin(it, texts)));
  const session = connectH2(`http://127.0.0.1:${port}`);
  it.defer(() => session.destroy());

  const bodies = await Promise.all(
    CODINGS.map(async (coding) => {
      const stream = session.request({ ":path": "/150000", "accept-encoding": coding });
      const [headers] = (await once(stream, "response")) as [Record<string, string>];
      assert.equal(headers["content-encoding"], coding);
      assert.equal(headers["content-length"], undefined);
      const pieces: Buffer[] = [];
      for await (const piece of stream) pieces.push(piece as Buffer);
      return DECODE[coding](Buffer.concat(pieces)).equals(textOf(150_000));
    }),
  );
  session.close();

  assert.deepEqual(bodies, [true, true, true]);
});

scenario("compression: what a client gets as it is, and what it is told of it", async (it) => {
  const origin = await httpOrigin(it, (request, response) => {
    const headers: Record<string, string | string[]> = { "content-type": "text/html" };
    const body = request.url === "/coded" ? gzipSync(textOf(5_000)) : textOf(5_000);
    headers["content-length"] = `${body.length}`;
    if (request.url === "/image") headers["content-type"] = "image/png";
    if (request.url === "/coded") headers["content-encoding"] = "gzip";
    if (request.url === "/kept") headers["cache-control"] = "no-transform";
    if (request.url === "/facts") {
      headers["accept-ranges"] = "bytes";
      headers["content-md5"] = "x";
      headers["digest"] = "x";
      headers["repr-digest"] = "x";
      headers["vary"] = ["Origin", "Cookie"];
    }
    if (request.url === "/part") headers["content-range"] = "bytes 0-4999/10000";
    response.writeHead(request.url === "/part" ? 206 : 200, headers);
    response.end(body);
  });
  const { port, metrics, accessLines } = await it.proxy(compressing(origin));
  const url = `http://127.0.0.1:${port}`;
  const accept = { "accept-encoding": "gzip" };

  const image = await ask(`${url}/image`, { headers: accept });
  const coded = await ask(`${url}/coded`, { headers: accept });
  const kept = await ask(`${url}/kept`, { headers: accept });
  const part = await ask(`${url}/part`, { headers: { ...accept, range: "bytes=0-4999" } });
  const ranged = await ask(`${url}/page`, { headers: { ...accept, range: "bytes=0-4999" } });
  const plain = await ask(`${url}/page`);
  const facts = await ask(`${url}/facts`, { headers: accept });
  const old = await it.client(
    "GET /page HTTP/1.0\r\nhost: a.test\r\naccept-encoding: gzip\r\n\r\n",
  );

  for (const each of [image, kept, part, ranged, plain]) {
    assert.ok(each.body.equals(textOf(5_000)));
    assert.equal(each.message.headers["content-encoding"], undefined);
    assert.equal(each.message.headers["content-length"], "5000");
  }
  assert.ok(gunzipSync(coded.body).equals(textOf(5_000)));
  assert.equal(coded.message.headers.vary, undefined);
  assert.equal(plain.message.headers.vary, "accept-encoding");
  assert.equal(ranged.message.headers.vary, "accept-encoding");
  assert.equal(image.message.headers.vary, undefined);
  assert.equal(facts.message.headers["content-encoding"], "gzip");
  assert.equal(facts.message.headers.vary, "Origin, Cookie, accept-encoding");
  for (const name of ["accept-ranges", "content-md5", "digest", "repr-digest", "content-length"]) {
    assert.equal(facts.message.headers[name], undefined, name);
  }
  assert.match(old, /^HTTP\/1\.1 200 OK\r\n(?:.*\r\n)*line 0 of/);

  const said = await metrics();
  const reasons = ["accept", "coded", "no_transform", "range", "status", "type", "version"];
  for (const reason of reasons) {
    assert.match(said, new RegExp(`uncompressed_responses_total\\{reason="${reason}"\\} 1\\n`));
  }
  assert.match(said, /sluice_compressed_responses_total\{coding="gzip"\} 1\n/);
  assert.match(said, /sluice_compressed_response_plain_bytes_total\{coding="gzip"\} 5000\n/);
  assert.match(
    said,
    new RegExp(`compressed_response_bytes_total\\{coding="gzip"\\} ${facts.body.length}\\n`),
  );
  const lines = await accessLines(8);
  const line = lines.find((each) => each["path"] === "/facts")!;
  assert.deepEqual([line["coding"], line["bytes_plain"]], ["gzip", 5000]);
  assert.equal(line["bytes_out"], facts.body.length);
});

scenario("compression: HEAD says what GET does, and a 304 agrees with both", async (it) => {
  const { port } = await it.proxy(compressing(await httpOrigin(it, texts)));
  const accept = { "accept-encoding": "br" };

  for (const path of ["/5000?told", "/5000", "/500?told"]) {
    const url = `http://127.0.0.1:${port}${path}`;
    const page = await ask(url, { headers: accept });
    const head = await ask(url, { headers: accept, method: "HEAD" });
    for (const name of ["content-encoding", "vary", "etag", "content-length"]) {
      assert.equal(head.message.headers[name], page.message.headers[name], `${path} ${name}`);
    }
    const tag = page.message.headers.etag!;
    const same = await ask(url, { headers: { ...accept, "if-none-match": tag } });
    assert.equal(same.message.statusCode, 304);
    assert.equal(same.message.headers.etag, tag);
    assert.equal(same.message.headers.vary, "accept-encoding");
    assert.equal(same.body.length, 0);
  }
});

scenario("compression: If-Match goes up as the tag that ours was made of", async (it) => {
  const origin = await it.origin("HTTP/1.1 204 No Content\r\n\r\n");
  await it.proxy(compressing(origin.url));

  await it.client(
    'PUT / HTTP/1.1\r\nhost: a.test\r\nif-match: W/"v1"\r\ncontent-length: 0\r\n\r\n',
  );

  assert.match(origin.received[0]!.head, /\r\nif-match: "v1"\r\n/i);
});

scenario("compression: upstreams are told what the client takes, or not", async (it) => {
  const url = await httpOrigin(it, texts);
  const accept = { headers: { "accept-encoding": "gzip, x" } };
  const told = await it.proxy(compressing(url));
  const open = await ask(`http://127.0.0.1:${told.port}/5000`, accept);
  const untold = await it.proxy(compressing(url, "{ forwardAcceptEncoding: false }"));
  const shut = await ask(`http://127.0.0.1:${untold.port}/5000`, accept);

  assert.equal(open.message.headers["x-accepted"], "gzip, x");
  assert.equal(shut.message.headers["x-accepted"], "nothing");
  assert.equal(shut.message.headers["content-encoding"], "gzip");
});

scenario("compression: replies of our own and error pages, of all sizes", async (it) => {
  const body = "a reply of our own, ".repeat(5_000);
  const { port } = await it.proxy(`
    defaults: { compress: { minBytes: 10 } }
    sites:
      - hosts: ["*"]
        errors: { pages: { 404: { text: "nothing of that name is here, nothing at all" } } }
        routes:
          - { match: { path: /large }, respond: "${body}" }
          - { match: { path: /small }, respond: tiny }
          - { match: { path: /off }, compress: off, respond: "${body}" }
  `);
  const url = `http://127.0.0.1:${port}`;
  const accept = { headers: { "accept-encoding": "gzip" } };

  const large = await ask(`${url}/large`, accept);
  const small = await ask(`${url}/small`, accept);
  const off = await ask(`${url}/off`, accept);

  assert.equal(gunzipSync(large.body).toString(), body);
  assert.equal(small.body.toString(), "tiny");
  assert.equal(off.body.toString(), body);
});
