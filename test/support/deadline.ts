/** How long a test waits for what must happen; far above what it takes, so it only ends failures. */
export const PATIENCE_MS = 5_000;

/** The promise's outcome, or an error that says what did not happen in time. */
export async function within<T>(
  promise: Promise<T>,
  what: () => string,
  patienceMs: number = PATIENCE_MS,
): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(
      () => reject(new Error(`not within ${patienceMs} ms: ${what()}`)),
      patienceMs,
    );
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Asks again and again until the answer is there. For facts that nothing announces. */
export async function eventually<T>(
  ask: () => T | undefined | Promise<T | undefined>,
  what: () => string,
  patienceMs: number = PATIENCE_MS,
): Promise<T> {
  const endMs = performance.now() + patienceMs;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    if (performance.now() > endMs) throw new Error(`not within ${patienceMs} ms: ${what()}`);
    await pause(5);
  }
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
