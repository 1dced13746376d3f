import assert from "node:assert/strict";
import { PassThrough } from "node:stream";
import { test } from "node:test";
import { parseKeyFile } from "../features/auth/api-key/known-keys.ts";
import { checkPassword } from "../features/auth/basic/check-password.ts";
import { parsePasswordHash } from "../features/auth/basic/password-hash.ts";
import { parseUserFile } from "../features/auth/basic/user-list.ts";
import type { Input } from "./command.ts";
import { hashPassword } from "./hash-password.ts";

const PASSWORD = "grüße 1:2";

interface Said {
  stdout: string;
  stderr: string;
}

function ioOf(stdin: Input, said: Said) {
  return {
    stdin,
    stdout: { write: (text: string) => (said.stdout += text) },
    stderr: { write: (text: string) => (said.stderr += text) },
    cwd: ".",
  };
}

async function piped(text: string, ...args: string[]): Promise<Said & { code: number }> {
  const said: Said = { stdout: "", stderr: "" };
  const stdin = new PassThrough();
  stdin.end(text);
  const code = await hashPassword(args, ioOf(stdin, said));
  return { ...said, code };
}

for (const [args, kind] of [
  [[], "argon2"],
  [["-a", "argon2id"], "argon2"],
  [["-a", "scrypt"], "scrypt"],
] as const) {
  test(`sluice hash-password ${args.join(" ")}: makes a hash that the password fits`, async () => {
    const { stdout, code } = await piped(`${PASSWORD}\nmore\n`, ...args);

    const hash = parsePasswordHash(stdout.trimEnd());
    assert.equal(code, 0);
    assert.ok(typeof hash !== "string", String(hash));
    assert.equal(hash.kind, kind);
    assert.equal(checkPassword(PASSWORD, hash), true);
    assert.notEqual((await piped(PASSWORD, ...args)).stdout, stdout, "a salt of its own");
  });
}

test("sluice hash-password -u: a line for the file", async () => {
  const { stdout } = await piped(PASSWORD, "-u", "alice", "-a", "scrypt");

  assert.deepEqual(
    parseUserFile(stdout).map(({ name }) => name),
    ["alice"],
  );
});

test("sluice hash-password -a sha256: a line for a file of keys, and not for passwords", async () => {
  const { stdout } = await piped(
    "correct-horse-battery-staple\r\n",
    "-a",
    "sha256",
    "-u",
    "mobile",
  );

  assert.deepEqual(
    parseKeyFile(stdout).map(({ name }) => name),
    ["mobile"],
  );
  await assert.rejects(piped("hunter2", "-a", "sha256"), /random keys of at least 16/);
});

test("sluice hash-password: nothing, or too much, is no password", async () => {
  await assert.rejects(piped(""), /nothing to hash/);
  await assert.rejects(piped("\n"), /nothing to hash/);
  await assert.rejects(piped("x".repeat(5_000)), /longer than 4096 bytes/);
});

/** A terminal: what is typed comes key by key, and nothing of it is shown unless we show it. */
async function typed(...keys: string[]) {
  const said: Said = { stdout: "", stderr: "" };
  const raw: boolean[] = [];
  const stdin: Input = Object.assign(new PassThrough(), {
    isTTY: true,
    setRawMode: (isRaw: boolean) => raw.push(isRaw),
  });
  const done = hashPassword(["-a", "scrypt"], ioOf(stdin, said));
  for (const key of keys) {
    await new Promise((resolve) => setImmediate(resolve));
    stdin.push(Buffer.from(key));
  }
  const code = await done.catch((error: Error) => error.message);
  return { ...said, code, raw };
}

test("sluice hash-password on a terminal: asks twice, shows nothing, takes Backspace", async () => {
  const { code, stdout, stderr, raw } = await typed("seß", "\u007f", "cret", "\r", "secret\r");

  const hash = parsePasswordHash(stdout.trimEnd());
  assert.equal(code, 0);
  assert.ok(typeof hash !== "string" && checkPassword("secret", hash));
  assert.equal(stderr, "Password: \nPassword once more: \n");
  assert.deepEqual(raw, [true, false, true, false]);
});

test("sluice hash-password on a terminal: two that differ are none, and Ctrl-C ends it", async () => {
  assert.equal((await typed("one\r", "two\r")).code, "the two are not the same");
  const { code, raw } = await typed("on", "\u0003");
  assert.deepEqual([code, raw], ["interrupted", [true, false]]);
});
