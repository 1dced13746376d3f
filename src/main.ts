/** The process: `node src/main.ts …` from source, `dist/main.js` behind bin/sluice.js. */
import module from "node:module";
import { fileURLToPath } from "node:url";

// The compiled code of the last start makes the next one quicker. It lies beside the build, where
// only who may change the program itself can write, and nowhere if that folder is read-only.
if (import.meta.url.endsWith(".js")) {
  module.enableCompileCache?.(fileURLToPath(new URL("./.compile-cache", import.meta.url)));
}
const { main } = await import("./cli/main.ts");

// `sluice schema | head` closes the pipe early, which is no failure.
for (const stream of [process.stdout, process.stderr]) {
  stream.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error;
  });
}

const code = await main(process.argv.slice(2), {
  get stdin() {
    return process.stdin; // opened by who asks: commands that run are not to hold it
  },
  stdout: process.stdout,
  stderr: process.stderr,
  cwd: process.cwd(),
  signals: process,
});
process.exit(code); // a listener or an idle connection must not keep it
