/** Measures Sluice beside other proxies. README.md says how, and how to read the figures. */
import { buildSluice } from "./contestants/sluice.ts";
import { stopChildrenOnExit } from "./machine/child.ts";
import { installPeers } from "./machine/peers.ts";
import { describeMachine, moveToLoadCore, WorkFolder, whyNotHere } from "./machine/place.ts";
import { versions } from "./machine/versions.ts";
import { type Options, parseOptions, USAGE } from "./options.ts";
import { startOrigin } from "./parts/origin.ts";
import { type Recording, writeJson, writeReadme } from "./report/record.ts";
import { printReport, type Report } from "./report/table.ts";
import { entriesOf } from "./scenarios/entry.ts";
import { measureIdle } from "./scenarios/idle.ts";
import { type Rig, wordsOf } from "./scenarios/runner.ts";
import { SCENARIOS, type Scenario, scenarioNamed } from "./scenarios/scenario.ts";
import { measureStart } from "./scenarios/start.ts";
import { measureLoad } from "./scenarios/throughput.ts";

try {
  await main(process.argv.slice(2));
} catch (failure) {
  console.error(wordsOf(failure));
  process.exitCode = 2;
}

async function main(parameters: readonly string[]): Promise<void> {
  const options = parseOptions(parameters);
  if (options.help) return console.log(USAGE);
  if (options.list) return list(options);
  if (options.installPeers) return installPeers();
  const scenarios = chosenScenarios(options);
  const obstacle = whyNotHere();
  if (obstacle !== undefined) throw new Error(`Cannot measure here: ${obstacle}`);

  buildSluice(options.against);
  const machine = describeMachine(); // before pinning, which leaves one core to be seen
  moveToLoadCore();
  stopChildrenOnExit();
  const reports = await runAll(scenarios, options);

  const { rounds, starts, sliceS } = options;
  const recording: Recording = {
    date: new Date().toISOString(),
    machine,
    versions: versions(),
    method: { starts, rounds, sliceS },
    reports,
  };
  console.log(`Figures: ${writeJson(recording, options.json)}`);
  if (options.record) writeReadme(recording);
}

async function runAll(scenarios: readonly Scenario[], options: Options): Promise<Report[]> {
  using folder = new WorkFolder();
  await using origin = await startOrigin(folder.path);
  const rig = { folder: folder.path, originPort: origin.port, nodeFlags: options.nodeFlags };
  const reports: Report[] = [];
  for (const scenario of scenarios) {
    const report = await measure(scenario, rig, options);
    reports.push(report);
    console.log(printReport(report));
  }
  return reports;
}

function measure(scenario: Scenario, rig: Rig, options: Options): Promise<Report> {
  const entries = entriesOf(scenario.field, options);
  switch (scenario.kind) {
    case "load":
      return measureLoad(scenario, entries, rig, options);
    case "idle":
      return measureIdle(scenario, entries, rig, options);
    case "start":
      return measureStart(scenario, entries, rig);
  }
}

function chosenScenarios({ scenarios }: Options): readonly Scenario[] {
  if (scenarios.length === 0) return SCENARIOS;
  return scenarios.map((name) => {
    const scenario = scenarioNamed(name);
    if (scenario !== undefined) return scenario;
    const known = SCENARIOS.map((candidate) => candidate.name).join(", ");
    throw new Error(`Cannot run ${name}: must be one of ${known}`);
  });
}

function list(options: Options): void {
  for (const { name, about } of SCENARIOS) console.log(`${name.padEnd(12)} ${about}`);
  console.log();
  for (const { label, contestant } of entriesOf("logged", options)) {
    console.log(`${label.padEnd(20)} ${contestant.missing() ?? "present"}`);
  }
}
