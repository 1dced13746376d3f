import { SystemClock } from "../base/system-clock.ts";
import type { Config } from "../config/config.ts";
import { JsonLog } from "../observe/json-log.ts";
import { LogSink } from "../observe/log-sink.ts";

/** The program's own log, on stderr. */
export class OwnLog {
  readonly sink: LogSink;
  readonly log: JsonLog;
  readonly #isReadable: boolean;

  static async open(config: Config): Promise<OwnLog> {
    const clock = new SystemClock();
    const sink = await LogSink.open({ destination: "stderr", clock, log: undefined });
    return new OwnLog(config, sink, clock);
  }

  private constructor({ log }: Config, sink: LogSink, clock: SystemClock) {
    this.sink = sink;
    this.#isReadable = process.stderr.isTTY === true;
    this.log = new JsonLog({ sink, clock, level: log.level, isReadable: this.#isReadable });
  }

  get forWorkers() {
    const onLine = (line: string): void => this.sink.writeLine(line);
    return { onLine, isReadableLog: this.#isReadable };
  }

  follow({ log }: Config): void {
    this.log.level = log.level;
  }
}
