import { execFile } from "node:child_process";
import type { TextRecord } from "../../protocol/dns/update.ts";
import type { DnsRecords } from "./dns-records.ts";

const ANSWER_MS = 120_000; // some providers take their time
const OUTPUT_BYTES_MAX = 64 * 1024;

/** Records by a program, which is called with `add|remove NAME VALUE`, and without a shell. */
export class CommandRecords implements DnsRecords {
  readonly #command: readonly string[];

  constructor(command: readonly string[]) {
    this.#command = command;
  }

  add(record: TextRecord): Promise<void> {
    return this.#run("add", record);
  }

  remove(record: TextRecord): Promise<void> {
    return this.#run("remove", record);
  }

  #run(action: string, { name, value }: TextRecord): Promise<void> {
    const [file = "", ...args] = this.#command;
    const options = {
      timeout: ANSWER_MS,
      maxBuffer: OUTPUT_BYTES_MAX,
      killSignal: "SIGKILL",
    } as const;
    return new Promise((resolve, reject) => {
      execFile(file, [...args, action, name, value], options, (error, _stdout, stderr) => {
        if (error === null) return resolve();
        const { code, signal } = error as { readonly code?: unknown; readonly signal?: unknown };
        const how = typeof code === "number" ? `ended with ${code}` : `failed (${code ?? signal})`;
        const said = String(stderr).trim().slice(0, 300);
        reject(new Error(`${file} ${how}${said === "" ? "" : `: ${said}`}`));
      });
    });
  }
}
