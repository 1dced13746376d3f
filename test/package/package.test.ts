/** What is published works where it is installed: in an empty folder, on Node 26 and on Node 24. */
import assert from "node:assert/strict";
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { after, before, test } from "node:test";
import { promisify } from "node:util";

const ROOT = join(import.meta.dirname, "..", "..");
const execute = promisify(execFile);
const scratch = mkdtempSync(join(tmpdir(), "sluice-package-"));
const app = join(scratch, "app"); // the empty folder
const sluice = join(app, "node_modules", ".bin", "sluice");
let packed: readonly string[] = [];

before(async () => {
  const tarball = await pack(ROOT);
  packed = tarball.files;
  // Our dependencies come out of our own node_modules, so that the install needs no network.
  const names = Object.keys(packageFile().dependencies);
  const others = await Promise.all(names.map((name) => pack(join(ROOT, "node_modules", name))));
  mkdirSync(app);
  writeFileSync(join(app, "package.json"), '{"private":true,"type":"module"}');
  const paths = [tarball, ...others].map(({ path }) => path);
  await npm(["install", "--offline", "--no-audit", "--no-fund", ...paths], app);
});

after(() => rmSync(scratch, { recursive: true, force: true }));

test("package: holds what runs and what is read, and no source, test or tool", () => {
  for (const wanted of [
    "bin/sluice.js",
    "bin/node-flags.json",
    "dist/main.js",
    "dist/build.json",
    "LICENSE",
    "README.md",
  ]) {
    assert.ok(packed.includes(wanted), `${wanted} is missing`);
  }
  const stray = packed.filter(
    (path) =>
      /^(?:src|test|tools|bench|docs)\/|\.(?:test|bench|fuzz)\.|\.map$/.test(path) ||
      (/(?<!\.d)\.ts$/.test(path) && !path.startsWith("examples/")),
  );
  assert.deepEqual(stray, []);
});

test("package: sluice --version tells the version of package.json", async () => {
  const { stdout } = await execute(process.execPath, [sluice, "--version"]);
  assert.ok(stdout.startsWith(`sluice ${packageFile().version}`), stdout);
});

test("package: an old Node is told which one is needed, in one line", async (t) => {
  const old = await oldNode();
  if (old === undefined) return t.skip("no Node older than 24 on this machine");

  const answer = await execute(old, [sluice, "--version"]).then(
    () => assert.fail("it ran"),
    (error: { code: number; stderr: string }) => error,
  );

  assert.equal(answer.code, 2);
  assert.match(answer.stderr, /^sluice: needs Node 24 or later, .*https:\/\/nodejs\.org.*\n$/);
});

test("package: its types resolve where it is installed", async () => {
  const source =
    'import { createProxy, defineConfig } from "sluice";\nexport { createProxy, defineConfig };\n';
  writeFileSync(join(app, "uses.ts"), source);
  const tsc = join(ROOT, "node_modules", ".bin", "tsc");
  const flags = ["--noEmit", "--strict", "--module", "nodenext", "--target", "es2024"];
  const types = ["--skipLibCheck", "false", "--typeRoots", join(ROOT, "node_modules", "@types")];

  await execute(tsc, [...flags, ...types, "--types", "node", "uses.ts"], { cwd: app }).catch(
    ({ stdout }: { stdout: string }) => assert.fail(stdout),
  );
});

test("package: sluice proxy answers on Node 26", async () => {
  await answersThrough(process.execPath);
});

test("package: sluice proxy answers on Node 24", async (t) => {
  const node = await node24();
  if (node === undefined) return t.skip("node@24 cannot be had from the registry");
  await answersThrough(node);
});

/** A request through the installed command, and a stop that leaves nothing behind. */
async function answersThrough(node: string): Promise<void> {
  const origin = createServer((_request, response) => response.end("from the origin"));
  await once(origin.listen(0, "127.0.0.1"), "listening");
  const to = `127.0.0.1:${(origin.address() as AddressInfo).port}`;
  const args = [sluice, "proxy", "--from", "127.0.0.1:0", "--to", to, "--log", "off"];
  const child = spawn(node, args, { cwd: app, stdio: ["ignore", "ignore", "pipe"] });
  try {
    const response = await fetch(await listeningUrl(child));
    assert.equal(response.status, 200);
    assert.equal(await response.text(), "from the origin");
    if (process.platform === "linux") {
      const command = readFileSync(`/proc/${child.pid}/cmdline`, "utf8").split("\0");
      assert.ok(command.includes("--max-semi-space-size=32"), command.join(" "));
    }

    child.kill("SIGTERM");
    assert.deepEqual(await once(child, "exit"), [0, null]);
  } finally {
    child.kill("SIGKILL");
    origin.close().closeAllConnections();
  }
}

/** From the line that tells it. */
async function listeningUrl(child: ChildProcess): Promise<string> {
  let said = "";
  for await (const text of child.stderr!.setEncoding("utf8")) {
    said += text;
    const url = /listening on (http:\S+)/.exec(said)?.[1];
    if (url !== undefined) return url;
  }
  assert.fail(`it ended before it listened:\n${said}`);
}

interface PackageFile {
  readonly version: string;
  readonly dependencies: Readonly<Record<string, string>>;
}

function packageFile(): PackageFile {
  return JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));
}

async function pack(folder: string): Promise<{ path: string; files: string[] }> {
  const own = folder === ROOT ? [] : ["--ignore-scripts"];
  const args = ["pack", folder, "--json", "--pack-destination", scratch, ...own];
  const { stdout } = await npm(args, ROOT);
  // The build that runs first may print lines of its own.
  const [facts] = JSON.parse(stdout.slice(stdout.search(/^\[/m)));
  const files = facts.files.map((file: { path: string }) => file.path);
  return { path: join(scratch, facts.filename), files };
}

function npm(args: readonly string[], cwd: string) {
  return execute("npm", ["--loglevel=error", ...args], { cwd, maxBuffer: 64 * 1024 * 1024 }).catch(
    ({ stdout, stderr }: { stdout: string; stderr: string }) =>
      assert.fail(`npm ${args.join(" ")} failed:\n${stdout}${stderr}`),
  );
}

/** The machine's own Node, if it is one that we do not run on. */
async function oldNode(): Promise<string | undefined> {
  for (const folder of (process.env["PATH"] ?? "").split(delimiter)) {
    const binary = join(folder, "node");
    if (folder.includes("node_modules") || !existsSync(binary)) continue;
    const { stdout } = await execute(binary, ["--version"]);
    if (Number(/^v(\d+)/.exec(stdout)?.[1]) < 24) return binary;
  }
  return undefined;
}

/** Kept in tmp/ of the checkout, so that it is fetched once; the package holds the binary itself. */
async function node24(): Promise<string | undefined> {
  const folder = join(ROOT, "tmp", "node-24");
  const name = `node-${process.platform}-${process.arch}`;
  const binary = join(folder, "node_modules", name, "bin", "node");
  if (existsSync(binary)) return binary;
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "package.json"), '{"private":true}');
  const args = ["install", "--no-audit", "--no-fund", "--no-package-lock", `${name}@24`];
  return npm(args, folder).then(
    () => (existsSync(binary) ? binary : undefined),
    () => undefined,
  );
}
