#!/usr/bin/env node
// Plain JavaScript that an old Node can still read, so that it can say what is wrong with itself.
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const NODE_MAJOR_MIN = 24;
const SERVING = ["run", "proxy"]; // what lives long enough for garbage collection to matter

if (Number(process.versions.node.split(".")[0]) < NODE_MAJOR_MIN) {
  console.error(
    `sluice: needs Node ${NODE_MAJOR_MIN} or later, and this is Node ${process.versions.node}: ` +
      "install it from https://nodejs.org/en/download, or run `npx -p node@26 -p sluice sluice`",
  );
  process.exitCode = 2;
} else {
  if (SERVING.includes(process.argv[2])) takeFlags();
  // In a checkout that was never built the sources do as well.
  const built = new URL("../dist/main.js", import.meta.url);
  import(existsSync(built) ? built.href : new URL("../src/main.ts", import.meta.url).href);
}

/**
 * Becomes the same process with the flags of node-flags.json, which Node takes only at its start
 * (docs/decisions/0004-young-generation.md). Whoever chose a size has it; where a process cannot
 * be replaced (Windows), the default does.
 */
function takeFlags() {
  const given = [...process.execArgv, process.env.NODE_OPTIONS ?? ""].join(" ");
  if (/semi[-_]space/.test(given) || process.execve === undefined) return;
  // To become a process anew would shut the sockets that this one was given (systemd's): with those,
  // the size is for NODE_OPTIONS to set, as packaging/systemd/sluice.service does.
  if (process.env.LISTEN_FDS !== undefined) return;
  const flags = JSON.parse(readFileSync(new URL("node-flags.json", import.meta.url), "utf8"));
  const own = [fileURLToPath(import.meta.url), ...process.argv.slice(2)];
  try {
    process.execve(process.execPath, [process.execPath, ...process.execArgv, ...flags, ...own]);
  } catch {
    // Not to be had here: under --permission, say.
  }
}
