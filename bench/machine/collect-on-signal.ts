/**
 * Preloaded into contestants on Node when memory is measured: garbage that the next collection
 * would free is not what a connection costs, and when that comes is chance.
 */
process.on("SIGUSR2", () => {
  globalThis.gc?.();
  globalThis.gc?.(); // finalizers of the first pass may free more
});
