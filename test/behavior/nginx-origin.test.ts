/** A real server behind us: ranges, conditions, compression and large files pass through. */
import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { startNginx } from "../support/nginx.ts";
import { skipWithout } from "../support/parts.ts";
import { forwardTo, type Scenario, scenario } from "../support/scenario.ts";

const skip = skipWithout("nginx");
const DATA = randomBytes(5_000_000);

async function served(it: Scenario): Promise<string> {
  const nginx = await startNginx(
    `root html; gzip on; gzip_proxied any; gzip_types text/plain; gzip_min_length 1;
     location /gone { return 410; }`,
    "types { text/plain txt; } keepalive_timeout 5s;",
  );
  it.defer(() => nginx[Symbol.asyncDispose]());
  await mkdir(join(nginx.folder, "html"));
  await writeFile(join(nginx.folder, "html", "data.bin"), DATA);
  await writeFile(join(nginx.folder, "html", "words.txt"), "words ".repeat(1000));
  const { port } = await it.proxy(forwardTo(nginx.url));
  return `http://127.0.0.1:${port}`;
}

const hash = (data: Uint8Array) => createHash("sha256").update(data).digest("hex");

scenario(
  "nginx as the origin: a file of 5 MB arrives whole, ten times at once",
  async (it) => {
    const url = await served(it);

    const hashes = await Promise.all(
      Array.from({ length: 10 }, async () => {
        const response = await fetch(`${url}/data.bin`);
        return hash(new Uint8Array(await response.arrayBuffer()));
      }),
    );

    assert.deepEqual(new Set(hashes), new Set([hash(DATA)]));
  },
  { skip },
);

scenario(
  "nginx as the origin: ranges, conditions, HEAD, compression and errors",
  async (it) => {
    const url = await served(it);

    const whole = await fetch(`${url}/words.txt`, { headers: { "accept-encoding": "gzip" } });
    const range = await fetch(`${url}/data.bin`, { headers: { range: "bytes=1000-1999" } });
    const head = await fetch(`${url}/data.bin`, { method: "HEAD" });
    const etag = head.headers.get("etag")!;
    const same = await fetch(`${url}/data.bin`, { headers: { "if-none-match": etag } });
    const gone = await fetch(`${url}/gone`);

    assert.equal(whole.headers.get("content-encoding"), "gzip");
    assert.equal(await whole.text(), "words ".repeat(1000));
    assert.equal(range.status, 206);
    assert.equal(hash(new Uint8Array(await range.arrayBuffer())), hash(DATA.subarray(1000, 2000)));
    assert.equal(head.headers.get("content-length"), String(DATA.length));
    assert.equal(same.status, 304);
    assert.equal(gone.status, 410);
    await gone.text();
  },
  { skip },
);
