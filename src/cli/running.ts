import type { Address } from "../base/world.ts";
import type { CommandIo } from "./command.ts";
import type { RunningProxy } from "./product.ts";

/** Tells where it listens and waits for a signal: the first one drains, a second one stops now. */
export async function serveUntilStopped(running: RunningProxy, io: CommandIo): Promise<number> {
  for (const address of running.addresses) {
    io.stderr.write(`sluice: listening on ${addressUrl(address)}\n`);
  }

  return new Promise((resolve, reject) => {
    let signalCount = 0;
    const onStop = (signal: string): void => {
      signalCount++;
      io.stderr.write(
        signalCount === 1
          ? `sluice: ${signal}, finishing what is in flight; once more to stop now\n`
          : `sluice: ${signal} again, stopping now\n`,
      );
      const deadlineMs = signalCount === 1 ? undefined : 0;
      // Both calls may end at once, so the code goes by the signals and not by who was first.
      running.stop(deadlineMs).then(() => resolve(signalCount === 1 ? 0 : 1), reject);
    };
    io.signals.on("SIGTERM", onStop);
    io.signals.on("SIGINT", onStop);
    // Without a listener the signal would end the process.
    io.signals.on("SIGHUP", () => io.stderr.write("sluice: reload is not supported yet\n"));
  });
}

/** "http://[::1]:8080", or the path of a unix socket. */
export function addressUrl({ host, port }: Address): string {
  if (host.startsWith("/")) return `unix:${host}`;
  return `http://${host.includes(":") ? `[${host}]` : host}:${port}`;
}
