#!/usr/bin/env node
// Plain JavaScript that an old Node can still read, so that it can say what is wrong with itself.
import { existsSync } from "node:fs";

const NODE_MAJOR_MIN = 24;

if (Number(process.versions.node.split(".")[0]) < NODE_MAJOR_MIN) {
  console.error(
    `sluice: needs Node ${NODE_MAJOR_MIN} or later, and this is Node ${process.versions.node}: ` +
      "install it from https://nodejs.org/en/download, or run `npx -p node@26 -p sluice sluice`",
  );
  process.exitCode = 2;
} else {
  // In a checkout that was never built the sources do as well.
  const built = new URL("../dist/main.js", import.meta.url);
  import(existsSync(built) ? built.href : new URL("../src/main.ts", import.meta.url).href);
}
