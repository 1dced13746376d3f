/** What every proxy under test is told of: where to listen, and who the origins are. */
export interface Setting {
  readonly folder: string;
  readonly listenPort: number;
  readonly adminPort: number;
  readonly originPorts: readonly number[];
  readonly weights: readonly number[]; // 0: not in the config
  readonly drained: ReadonlySet<number>; // places of origins
  readonly version: number; // something in the routes differs with it
  readonly workers: number;
  readonly parkMs: number; // 0: nobody waits for an endpoint
}

/** A proxy as the events drive it. What it cannot do is not there. */
export interface ResilientProxy {
  readonly name: string;
  missing(): string | undefined; // why it cannot take part on this machine
  /** Writes the config; answers with the command that starts it. */
  launch(setting: Setting): readonly string[];
  readonly env?: (setting: Setting) => Readonly<Record<string, string>>;
  /** Takes another setting, in the way that its users would. */
  reload(setting: Setting, pid: number): Promise<void>;
  drain?(setting: Setting, place: number, isDrained: boolean, pid: number): Promise<void>;
  /** A new process takes over; answers with its pid. */
  upgrade?(setting: Setting, pid: number): Promise<number>;
  killWorker?(setting: Setting, pid: number): Promise<void>;
  readonly parks: boolean;
}

/** It is not built, or there is no way to ask for it. */
export class NotThere extends Error {}

export function listedOrigins(
  setting: Setting,
): readonly { port: number; weight: number; place: number }[] {
  return setting.originPorts
    .map((port, place) => ({ port, weight: setting.weights[place] ?? 1, place }))
    .filter(({ weight }) => weight > 0);
}

export function pause(ms: number): Promise<void> {
  return new Promise((done) => setTimeout(done, ms));
}
