/** The client that everybody has. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { part, skipWithout } from "../support/parts.ts";
import { forwardTo, scenario } from "../support/scenario.ts";

const skip = skipWithout("curl");

async function curl(...args: string[]): Promise<string> {
  const all = ["--silent", "--show-error", "--max-time", "10", "--noproxy", "*", ...args];
  const { stdout } = await promisify(execFile)(part("curl")!, all, { encoding: "latin1" });
  return stdout;
}

const echo = ({ method, target, body }: { method: string; target: string; body: string }) => {
  const text = `${method} ${target} ${body.length}`;
  return `HTTP/1.1 200 OK\r\ncontent-length: ${text.length}\r\n\r\n${method === "HEAD" ? "" : text}`;
};

scenario(
  "curl: GET, HEAD, POST, a form, chunked, 1.0, and two URLs on one connection",
  async (it) => {
    const origin = await it.origin(echo);
    const { port } = await it.proxy(forwardTo(origin.url));
    const url = `http://127.0.0.1:${port}`;

    assert.equal(await curl(`${url}/a?b=c`), "GET /a?b=c 0");
    assert.match(await curl("--head", `${url}/h`), /^HTTP\/1\.1 200 OK\r\n/);
    assert.equal(await curl("--data", "a=b", `${url}/p`), "POST /p 3");
    assert.equal(await curl("--http1.0", `${url}/old`), "GET /old 0");
    assert.equal(
      await curl("--data", "x", "-H", "transfer-encoding: chunked", `${url}/c`),
      "POST /c 1",
    );
    assert.equal(await curl("-X", "DELETE", `${url}/d`), "DELETE /d 0");
    assert.equal(await curl(`${url}/1`, `${url}/2`), "GET /1 0GET /2 0");
  },
  { skip },
);

scenario(
  "curl: a large upload with Expect: 100-continue",
  async (it) => {
    const origin = await it.origin(echo);
    const { port } = await it.proxy(forwardTo(origin.url));
    const folder = await mkdtemp(join(tmpdir(), "sluice-curl-"));
    it.defer(() => rm(folder, { recursive: true }));
    const file = join(folder, "data");
    await writeFile(file, randomBytes(3_000_000));

    const answer = await curl(
      "-H",
      "Expect: 100-continue",
      "--data-binary",
      `@${file}`,
      `http://127.0.0.1:${port}/up`,
    );

    assert.equal(answer, "POST /up 3000000");
  },
  { skip },
);

scenario(
  "curl: a truncated download is an error to it",
  async (it) => {
    const origin = await it.origin(
      "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n<wait 10ms><hang up>",
    );
    const { port } = await it.proxy(forwardTo(origin.url));

    await assert.rejects(curl(`http://127.0.0.1:${port}/`), (error: { code?: number }) => {
      return error.code === 18 || error.code === 56; // partial file, or a reset while receiving
    });
  },
  { skip },
);
