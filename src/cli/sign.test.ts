import assert from "node:assert/strict";
import { PassThrough } from "node:stream";
import { test } from "node:test";
import { signQuery } from "../features/auth/hmac/signed-url.ts";
import { sign } from "./sign.ts";

const SECRET = "correct-horse-battery-staple";
const NOW_MS = 1_700_000_000_000;

async function signed(...args: string[]) {
  const said = { stdout: "", stderr: "" };
  const stdin = new PassThrough();
  stdin.end(`${SECRET}\n`);
  const io = {
    stdin,
    stdout: { write: (text: string) => (said.stdout += text) },
    stderr: { write: (text: string) => (said.stderr += text) },
    cwd: ".",
  };
  const code = await sign(args, io, NOW_MS);
  return { ...said, code };
}

test("sluice sign: the URL as the proxy will see it, with what makes it good", async () => {
  const { stdout, code } = await signed("https://A.test:8443//a/../b?x=1", "-k", "k1", "-e", "1h");

  const claim = { keyId: "k1", expires: 1_700_003_600, prefix: undefined };
  const query = signQuery({ host: "a.test", path: "/b", query: "x=1" }, claim, SECRET);
  assert.equal(code, 0);
  assert.equal(stdout.toLowerCase(), `https://a.test:8443/b?${query}\n`.toLowerCase());
  assert.ok(stdout.includes(query));
});

test("sluice sign --prefix: for all paths below", async () => {
  const { stdout } = await signed(
    "http://a.test/v/1/index",
    "-k",
    "k1",
    "-e",
    "5m",
    "--prefix",
    "/v/1/",
  );

  assert.match(
    stdout,
    /^http:\/\/a\.test\/v\/1\/index\?sluice_expires=1700000300&sluice_key=k1&sluice_prefix=%2Fv%2F1%2F&sluice_signature=[\w-]{43}\n$/,
  );
});

// biome-ignore format: a table
const wrong: [args: string[], want: RegExp][] = [
  [[],                                                        /one URL is wanted/],
  [["http://a/", "http://b/", "-k", "k", "-e", "1h"],         /one URL is wanted/],
  [["http://a/", "-e", "1h"],                                 /--key must be/],
  [["http://a/", "-k", "k"],                                  /--expires must be/],
  [["http://a/", "-k", "k", "-e", "soon"],                    /--expires must be/],
  [["/a", "-k", "k", "-e", "1h"],                             /URL must begin with http/],
  [["http://a/b", "-k", "k", "-e", "1h", "--prefix", "/c/"],  /--prefix must begin and end/],
  [["http://a/b", "-k", "k", "-e", "1h", "--prefix", "/b"],   /--prefix must begin and end/],
  [["http://a/b", "--secret", "x"],                           /Unknown option/],
];

for (const [args, want] of wrong) {
  test(`sluice sign ${args.join(" ")}: wrong usage`, async () => {
    const { code, stderr, stdout } = await signed(...args);

    assert.equal(code, 2);
    assert.match(stderr, want);
    assert.equal(stdout, "");
  });
}
