/**
 * Preloaded into contestants on Node when memory is measured: garbage that the next collection
 * would free is not what a connection costs, and when that comes is chance. A signal that nobody else
 * listens to: SIGUSR2 is an upgrade.
 */
process.on("SIGURG", () => {
  globalThis.gc?.();
  globalThis.gc?.(); // finalizers of the first pass may free more
});
