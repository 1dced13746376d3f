import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";

const SCRIPT = fileURLToPath(new URL("report.lua", import.meta.url));
const TIMEOUT_S = 10; // per response; beyond it wrk counts an error

export interface Load {
  readonly target: string;
  readonly connections: number;
  readonly headers: readonly string[];
  readonly script: readonly string[]; // arguments of report.lua
  readonly isTls?: boolean;
  readonly streams?: number; // at once on a connection, over HTTP/2; undefined: HTTP/1
}

export interface LoadErrors {
  readonly connect: number;
  readonly read: number;
  readonly write: number;
  readonly status: number; // 400 and above
  readonly timeout: number;
}

export interface LoadResult {
  readonly requests: number;
  readonly durationUs: number;
  readonly p50Us: number;
  readonly p99Us: number;
  readonly errors: LoadErrors;
}

export async function runWrk(load: Load, port: number, seconds: number): Promise<LoadResult> {
  const { target, connections, headers, script, isTls = false } = load;
  const shape = ["-t1", `-c${connections}`, `-d${seconds}s`, "--timeout", `${TIMEOUT_S}s`];
  const fields = headers.flatMap((line) => ["-H", line]);
  const url = `${isTls ? "https" : "http"}://127.0.0.1:${port}${target}`;
  const output = await run([...shape, ...fields, "-s", SCRIPT, url, "--", ...script]);
  return parseResult(output);
}

/** The line that report.lua wrote, out of everything wrk prints. */
export function parseResult(output: string): LoadResult {
  const line = output.split("\n").find((candidate) => candidate.startsWith("RESULT "));
  if (line === undefined) throw new Error(`Cannot read wrk: no RESULT line in ${output}`);
  return JSON.parse(line.slice("RESULT ".length)) as LoadResult; // our own script's shape
}

const NO_ERRORS: LoadErrors = { connect: 0, read: 0, write: 0, status: 0, timeout: 0 };

export function sumErrors(all: readonly LoadErrors[]): LoadErrors {
  return all.reduce(
    (sum, next) => ({
      connect: sum.connect + next.connect,
      read: sum.read + next.read,
      write: sum.write + next.write,
      status: sum.status + next.status,
      timeout: sum.timeout + next.timeout,
    }),
    NO_ERRORS,
  );
}

function run(parameters: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile("wrk", [...parameters], (failure, stdout, stderr) => {
      if (failure === null) resolve(stdout);
      else reject(new Error(`Cannot run wrk: ${failure.message} ${stderr}`));
    });
  });
}
