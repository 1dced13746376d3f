import { readFileSync, writeFileSync } from "node:fs";
import { parse, stringify } from "yaml";

type Tree = Readonly<Record<string, unknown>> & {
  readonly sites: readonly Readonly<Record<string, unknown>>[];
};

/** Puts another config into the file, which keeps what a test does not choose: addresses, logs. */
export function replaceConfig(file: string, yaml: string): void {
  const before = parse(readFileSync(file, "utf8")) as Tree; // it was a config that ran
  const next = parse(yaml) as Tree;
  const listen = before.sites[0]!["listen"];
  const sites = next.sites.map((site) => ({ listen, ...site }));
  writeFileSync(file, stringify({ ...before, ...next, sites }));
}
