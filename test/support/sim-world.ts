import { SeededRandom } from "../../src/base/seeded-random.ts";
import type { Log, World } from "../../src/base/world.ts";
import { SimClock } from "./sim-clock.ts";
import { SimNames } from "./sim-names.ts";
import { SimNetwork, type SimNetworkOptions } from "./sim-network.ts";
import { SimWeb } from "./sim-web.ts";

export interface LogLine {
  readonly level: "info" | "warn";
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** A world in which the same seed and the same test make the same run, to the byte. */
export class SimWorld implements World {
  readonly clock: SimClock;
  readonly random: SeededRandom;
  readonly network: SimNetwork;
  readonly names: SimNames;
  readonly web: SimWeb;
  readonly log: Log;
  readonly lines: LogLine[] = [];

  constructor(seed = 1, options: SimNetworkOptions = {}) {
    this.clock = new SimClock();
    this.random = new SeededRandom(seed);
    // Its own generator: how the network cuts bytes must not depend on who else draws.
    this.network = new SimNetwork(this.clock, new SeededRandom(seed + 1), options);
    this.names = new SimNames(this.clock);
    this.web = new SimWeb(this.clock);
    this.log = {
      info: (message, fields = {}) => this.lines.push({ level: "info", message, fields }),
      warn: (message, fields = {}) => this.lines.push({ level: "warn", message, fields }),
    };
  }
}
