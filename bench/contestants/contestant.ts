/** What one start of a contestant is asked to do. Every path lies in a folder of its own. */
export interface Job {
  readonly folder: string;
  readonly listenPort: number;
  readonly originPort: number;
  readonly accessLog: boolean;
  readonly sites: number; // 0: one site that takes every host
  readonly tls?: JobTls | undefined; // served over TLS too, on a port of its own
  readonly gzipLevel: number; // 0: bodies go on as they come
  readonly asksForCoded?: boolean; // of the origin
  readonly nodeFlags: readonly string[]; // for contestants that run on Node
}

/** What every contestant is to serve with TLS: TLS 1.2 and 1.3, this certificate, tickets. */
export interface JobTls {
  readonly port: number;
  readonly cert: string; // paths
  readonly key: string;
}

export interface Launch {
  readonly command: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly logToOutput?: boolean; // the access log is what it prints
}

/** One proxy program. It writes its config for the job and says how to start it. */
export interface Contestant {
  readonly name: string;
  readonly runsOnNode: boolean;
  missing(): string | undefined; // why it cannot take part on this machine
  launch(job: Job): Launch;
}

export const ROUTES_PER_SITE = 10;

export function accessLogPath(job: Job): string {
  return `${job.folder}/access.log`;
}
