import { execFile } from "node:child_process";
import type { Load, LoadResult } from "./wrk.ts";

/** HTTP/2 over TLS, so many streams at once on each connection. */
export async function runH2load(load: Load, port: number, seconds: number): Promise<LoadResult> {
  const { target, connections, headers, streams = 1 } = load;
  const shape = ["-t1", `-c${connections}`, `-m${streams}`, `-D${seconds}`, "--warm-up-time=0"];
  const fields = headers.flatMap((line) => ["-H", line]);
  const output = await run([...shape, ...fields, `https://127.0.0.1:${port}${target}`]);
  return parseResult(output, seconds);
}

const REQUESTS = /^requests: .* (\d+) succeeded, (\d+) failed, (\d+) errored, (\d+) timeout/m;
const TIMES = /^time for request:\s+\S+\s+(\S+?)(us|ms|s)\s+(\S+?)(us|ms|s)\s/m; // min, max, mean
const US_PER: Readonly<Record<string, number>> = { us: 1, ms: 1_000, s: 1_000_000 };

/** It tells the mean and the maximum, which stand where wrk has the median and the 99th of 100. */
export function parseResult(output: string, seconds: number): LoadResult {
  const requests = REQUESTS.exec(output);
  const times = TIMES.exec(output);
  if (requests === null || times === null) throw new Error(`Cannot read h2load: ${output}`);
  const [, succeeded, failed, errored, timeout] = requests;
  const [, most, mostUnit, mean, meanUnit] = times;
  return {
    requests: Number(succeeded),
    durationUs: seconds * 1e6,
    p50Us: Number(mean) * US_PER[meanUnit!]!,
    p99Us: Number(most) * US_PER[mostUnit!]!,
    errors: {
      connect: 0,
      read: Number(errored),
      write: 0,
      status: Number(failed) - Number(errored),
      timeout: Number(timeout),
    },
  };
}

function run(parameters: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile("h2load", [...parameters], (failure, stdout, stderr) => {
      if (failure === null) resolve(stdout);
      else reject(new Error(`Cannot run h2load: ${failure.message} ${stderr}`));
    });
  });
}
