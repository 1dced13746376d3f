import type { RunningProxy } from "../admin/running-proxy.ts";
import type { Address } from "../base/world.ts";
import type { CommandIo } from "./command.ts";

interface ServedAddress extends Address {
  readonly protocol?: "http" | "tcp" | "udp";
}

type Running = Pick<RunningProxy, "addresses" | "stop">;

/**
 * Tells where it listens and waits for signals: SIGHUP takes the config anew, SIGTERM or SIGINT
 * drains, a second one stops now. One that comes while the proxy still starts counts, too.
 */
export async function serveUntilStopped(
  starting: Promise<Running>,
  io: CommandIo,
  reload: () => Promise<void>,
): Promise<number> {
  const stopped = stoppedBySignal(starting, io);
  io.signals.on("SIGHUP", () => void starting.then(reload, () => {}));
  const running = await starting;
  for (const address of running.addresses) {
    io.stderr.write(`sluice: listening on ${addressUrl(address)}\n`);
  }
  return stopped;
}

function stoppedBySignal(starting: Promise<Running>, io: CommandIo): Promise<number> {
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
      starting
        .then((running) => running.stop(deadlineMs))
        .then(() => resolve(signalCount === 1 ? 0 : 1), reject);
    };
    io.signals.on("SIGTERM", onStop);
    io.signals.on("SIGINT", onStop);
  });
}

/** "http://[::1]:8080", "udp://127.0.0.1:53", or the path of a unix socket. */
export function addressUrl({ host, port, protocol = "http" }: ServedAddress): string {
  if (host.startsWith("/")) return `unix:${host}`;
  return `${protocol}://${host.includes(":") ? `[${host}]` : host}:${port}`;
}
