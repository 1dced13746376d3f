import type { RunningProxy } from "../admin/running-proxy.ts";
import type { Address } from "../base/world.ts";
import type { CommandIo } from "./command.ts";

interface ServedAddress extends Address {
  readonly protocol?: "http" | "https" | "tcp" | "udp";
}

export type Running = Pick<RunningProxy, "addresses" | "stop" | "goneOver">;

/** What signals do, and who is told how it goes. */
export interface Hooks {
  readonly reload: () => Promise<void>;
  readonly upgrade: () => Promise<void>;
  readonly started: () => Promise<void>;
  readonly stopping: () => void;
}

/**
 * Tells where it listens and waits for signals: SIGHUP takes the config anew, SIGUSR2 starts the
 * program anew, SIGTERM or SIGINT drains, a second one stops now. One that comes while the proxy
 * still starts counts, too.
 */
export async function serveUntilStopped(
  starting: Promise<Running>,
  io: CommandIo,
  { reload, upgrade, started, stopping }: Hooks,
): Promise<number> {
  const stopped = stoppedBySignal(starting, io, stopping);
  io.signals.on("SIGHUP", () => void starting.then(reload, () => {}));
  io.signals.on("SIGUSR2", () => void starting.then(upgrade, () => {}));
  const running = await starting;
  for (const address of running.addresses) {
    io.stderr.write(`sluice: listening on ${addressUrl(address)}\n`);
  }
  await started();
  return Promise.race([stopped, running.goneOver.then(() => 0)]);
}

function stoppedBySignal(
  starting: Promise<Running>,
  io: CommandIo,
  stopping: () => void,
): Promise<number> {
  return new Promise((resolve, reject) => {
    let signalCount = 0;
    const onStop = (signal: string): void => {
      signalCount++;
      io.stderr.write(
        signalCount === 1
          ? `sluice: ${signal}, finishing what is in flight; once more to stop now\n`
          : `sluice: ${signal} again, stopping now\n`,
      );
      stopping();
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
