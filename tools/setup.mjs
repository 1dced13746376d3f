/**
 * Installs what a fresh clone lacks: the packages of package-lock.json and a Node that is new
 * enough. Every npm script begins with it, so it says nothing and costs little when nothing is to
 * do. It has to run on whatever Node the machine came with (20 at the least): plain JavaScript,
 * nothing imported but Node's own modules.
 */
import { spawnSync } from "node:child_process";
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = join(dirname(fileURLToPath(import.meta.url)), "..");
const MODULES = join(ROOT, "node_modules");
const NODE = join(MODULES, ".bin", "node");
const NODE_MAJOR_MIN = 26; // what we develop and measure on; users may run 24
const LOCK = join(ROOT, "tmp", "setup.lock");
const OUTPUT_LINES_MAX = 15;
const LOCK_WAIT_MS = 15 * 60_000; // a slow line may take its time over 200 MB

main();

function main() {
  if (isReady()) return;
  try {
    takeLock();
    // Another set-up may have done it all while we waited.
    if (isReady()) return;
    if (missingPackage() !== undefined) installPackages();
    if (nodeMajor(NODE) < NODE_MAJOR_MIN) installNode();
  } catch (error) {
    console.error(`setup: ${error instanceof Error ? error.message : error}`);
    process.exitCode = 1;
  } finally {
    releaseLock();
  }
}

function isReady() {
  return missingPackage() === undefined && nodeMajor(NODE) >= NODE_MAJOR_MIN;
}

/** The first package that differs from the lock file or is not on disk; undefined if none. */
function missingPackage() {
  const wanted = readJson(join(ROOT, "package-lock.json"))?.packages;
  if (wanted === undefined) throw new Error("Cannot read package-lock.json: is the clone whole?");
  const present = readJson(join(MODULES, ".package-lock.json"))?.packages ?? {};

  for (const [path, entry] of Object.entries(wanted)) {
    if (path === "") continue;
    const found = present[path];
    // npm leaves out what is optional and made for another machine.
    if (found === undefined && (entry.optional === true || entry.peer === true)) continue;
    if (found?.version !== entry.version || found.integrity !== entry.integrity) return path;
    if (!existsSync(join(ROOT, path, "package.json"))) return path;
  }
  return undefined;
}

function installPackages() {
  // A link leads into another checkout, and npm ci begins by emptying what it finds.
  if (existsSync(MODULES) && lstatSync(MODULES).isSymbolicLink()) {
    const place = relative(ROOT, realpathSync(MODULES));
    throw new Error(
      `node_modules is a link to ${place}, which does not fit package-lock.json ` +
        `(${missingPackage()}): run npm ci there, or remove the link`,
    );
  }
  console.error("setup: installing the packages of package-lock.json (npm ci)");
  const ended = npm(["ci", "--no-audit", "--no-fund", "--loglevel=error"]);
  if (ended === 0 && missingPackage() === undefined) return;

  // The install script of the `node` package is the one that may be blocked or may fail alone.
  console.error("setup: trying again without install scripts");
  const again = npm(["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]);
  const missing = missingPackage();
  if (again === 0 && missing === undefined) return;
  throw new Error(
    `Cannot install the packages: npm ci ended with code ${again}` +
      `${missing === undefined ? "" : `, and ${missing} is missing`}. ` +
      "It needs the package registry (npm config get registry) or a warm npm cache; " +
      "the lines above say what failed",
  );
}

/** The `node` package fetches its binary in an install script: run by hand where npm did not. */
function installNode() {
  const folder = join(MODULES, "node");
  const version = readJson(join(folder, "package.json"))?.version;
  console.error(`setup: installing Node ${version} beside the packages`);
  const script = join(folder, "installArchSpecificPackage.js");
  if (existsSync(script)) run(process.execPath, [script], folder);
  linkNode(join(folder, "bin", "node"));
  if (nodeMajor(NODE) >= NODE_MAJOR_MIN) return;

  // No binary for this machine on the registry; the Node that runs this may do as well.
  if (Number(process.versions.node.split(".")[0]) >= NODE_MAJOR_MIN) linkNode(process.execPath);
  if (nodeMajor(NODE) >= NODE_MAJOR_MIN) return;
  throw new Error(
    `Cannot install Node ${NODE_MAJOR_MIN}: the package node-${process.platform}-${process.arch}` +
      `@${version} could not be fetched. Without the registry, install Node ${NODE_MAJOR_MIN} or ` +
      "later from https://nodejs.org/en/download and start again",
  );
}

function linkNode(binary) {
  if (!existsSync(binary) || (existsSync(NODE) && realpathSync(NODE) === realpathSync(binary))) {
    return;
  }
  mkdirSync(dirname(NODE), { recursive: true });
  const fresh = `${NODE}.${process.pid}`;
  const isOurs = binary.startsWith(MODULES); // then the checkout may be moved
  symlinkSync(isOurs ? relative(dirname(NODE), binary) : binary, fresh);
  renameSync(fresh, NODE); // in one step: another process may be starting it
}

/** 0 if there is none that runs. */
function nodeMajor(binary) {
  if (!existsSync(binary)) return 0;
  const { stdout } = spawnSync(binary, ["--version"], { encoding: "utf8" });
  return Number(/^v(\d+)/.exec(stdout ?? "")?.[1] ?? 0);
}

function npm(args) {
  const program = process.env.npm_execpath;
  const isScript = program !== undefined && /npm-cli\.[cm]?js$/.test(program);
  return isScript
    ? run(process.execPath, [program, ...args], ROOT)
    : run(process.platform === "win32" ? "npm.cmd" : "npm", args, ROOT);
}

/**
 * What it prints is shown when it fails, and on stderr: stdout belongs to the command asked for.
 * The first lines say why; npm goes on with pages of usage.
 */
function run(program, args, cwd) {
  const { status, error, stdout, stderr } = spawnSync(program, args, { cwd, encoding: "utf8" });
  if (error !== undefined) console.error(`setup: Cannot start ${program}: ${error.message}`);
  if (status === 0) return 0;
  const lines = `${stderr ?? ""}\n${stdout ?? ""}`.split("\n").filter((line) => /\w/.test(line));
  for (const line of lines.slice(0, OUTPUT_LINES_MAX)) console.error(`  ${line}`);
  return status ?? 1;
}

function takeLock() {
  mkdirSync(dirname(LOCK), { recursive: true });
  const deadline = Date.now() + LOCK_WAIT_MS;
  for (let isFirst = true; ; isFirst = false) {
    try {
      writeFileSync(LOCK, String(process.pid), { flag: "wx" });
      return;
    } catch (error) {
      if (error.code !== "EEXIST") throw error;
    }
    if (dropStaleLock()) continue;
    if (Date.now() > deadline) throw new Error(`Cannot start: ${relative(ROOT, LOCK)} is held`);
    if (isFirst) console.error("setup: waiting for another set-up of this folder");
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 200);
  }
}

/** A set-up that was killed leaves its lock behind. */
function dropStaleLock() {
  const owner = readLock(LOCK);
  if (owner === undefined) return true; // just released
  if (owner === 0 || isAlive(owner)) return false; // 0: being written
  const aside = `${LOCK}.${process.pid}`;
  try {
    renameSync(LOCK, aside);
  } catch {
    return true; // someone else was faster
  }
  // Between the look and the rename another process may have taken the lock anew: give it back.
  if (readLock(aside) !== owner) renameSync(aside, LOCK);
  else rmSync(aside, { force: true });
  return true;
}

function readLock(path) {
  try {
    return Number(readFileSync(path, "utf8"));
  } catch {
    return undefined;
  }
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === "EPERM";
  }
}

function releaseLock() {
  if (readLock(LOCK) === process.pid) rmSync(LOCK, { force: true });
}

function readJson(path) {
  try {
    return JSON.parse(readFileSync(path, "utf8"));
  } catch {
    return undefined;
  }
}
