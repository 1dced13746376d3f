import type { Clock } from "../../base/world.ts";
import type { TextRecord } from "../../protocol/dns/update.ts";
import type { DnsFunction, DnsRecords } from "./dns-records.ts";

const ANSWER_MS = 60_000;

/** Records by a function of the config's own. It may throw, or never answer. */
export class FunctionRecords implements DnsRecords {
  readonly #clock: Clock;
  readonly #change: DnsFunction;

  constructor(clock: Clock, change: DnsFunction) {
    this.#clock = clock;
    this.#change = change;
  }

  add(record: TextRecord): Promise<void> {
    return this.#call("add", record);
  }

  remove(record: TextRecord): Promise<void> {
    return this.#call("remove", record);
  }

  #call(action: "add" | "remove", { name, value }: TextRecord): Promise<void> {
    return new Promise((resolve, reject) => {
      const late = () => reject(new Error(`did not end within ${ANSWER_MS / 1000} s`));
      const timer = this.#clock.after(ANSWER_MS, late);
      Promise.resolve()
        .then(() => this.#change({ action, name, value }))
        .then(resolve, reject)
        .finally(() => timer.cancel());
    });
  }
}
