import { resolve } from "node:path";
import { parseArgs } from "node:util";

export interface Options {
  readonly scenarios: readonly string[];
  readonly rounds: number;
  readonly starts: number;
  readonly sliceS: number;
  readonly warmupS: number;
  readonly idleConnections: number;
  readonly only: readonly string[];
  readonly against: readonly string[];
  readonly base: string;
  readonly nodeFlags: readonly string[];
  readonly json: string | undefined;
  readonly record: boolean;
  readonly installPeers: boolean;
  readonly list: boolean;
  readonly help: boolean;
}

export const USAGE = `npm run bench -- [scenario …] [options]

  --rounds N          slices of each contestant per start (5)
  --starts N          times that every process is started afresh (3)
  --slice 1s          length of a slice, whole seconds
  --warmup 6s         load before the first slice
  --idle N            connections of the idle scenario (10000)
  --only a,b          contestants by name; "ours" is every Sluice
  --against DIR       another checkout of Sluice beside this one; may be repeated
  --base NAME         what ratios are to (nginx)
  --node-flags="…"    flags for contestants that run on Node
  --json FILE         where the figures go (bench/results/<date>.json)
  --record            also writes the tables into bench/README.md
  --install-peers     installs the proxies from npm to compare with, and ends
  --list              names scenarios and contestants, and ends
`;

/** Throws with the wanted form if something on the command line cannot be used. */
export function parseOptions(parameters: readonly string[]): Options {
  const { values, positionals } = parseArgs({
    args: [...parameters],
    allowPositionals: true,
    options: {
      rounds: { type: "string", default: "5" },
      starts: { type: "string", default: "3" },
      slice: { type: "string", default: "1s" },
      warmup: { type: "string", default: "6s" },
      idle: { type: "string", default: "10000" },
      only: { type: "string", default: "" },
      against: { type: "string", multiple: true, default: [] },
      base: { type: "string", default: "nginx" },
      "node-flags": { type: "string", default: "" },
      json: { type: "string" },
      record: { type: "boolean", default: false },
      "install-peers": { type: "boolean", default: false },
      list: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  return {
    scenarios: positionals,
    rounds: count("rounds", values.rounds),
    starts: count("starts", values.starts),
    sliceS: seconds("slice", values.slice),
    warmupS: seconds("warmup", values.warmup),
    idleConnections: count("idle", values.idle),
    only: values.only.split(",").filter((name) => name !== ""),
    against: values.against.map((folder) => resolve(folder)),
    base: values.base,
    nodeFlags: values["node-flags"].split(" ").filter((flag) => flag !== ""),
    json: values.json,
    record: values.record,
    installPeers: values["install-peers"],
    list: values.list,
    help: values.help,
  };
}

function count(name: string, text: string): number {
  if (/^[1-9][0-9]{0,5}$/.test(text)) return Number(text);
  throw new Error(`Cannot use --${name}: must be a whole number from 1, got ${text}`);
}

function seconds(name: string, text: string): number {
  const digits = /^([1-9][0-9]{0,2})s$/.exec(text)?.[1]; // wrk knows nothing finer
  if (digits !== undefined) return Number(digits);
  throw new Error(`Cannot use --${name}: must be whole seconds such as 1s, got ${text}`);
}
