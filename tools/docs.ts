/**
 * Documents that follow from the code: `npm run docs` writes them, `npm run docs -- --check` (part
 * of `npm run check`) names those that are out of date.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { FAULTS, type FaultKind } from "../src/core/fault.ts";
import { metricsReference } from "../src/observe/metric-table.ts";
import { ROOT } from "./command.ts";
import { configReference } from "./docs/config-page.ts";
import { numbersPage } from "./docs/numbers-page.ts";

interface Generated {
  readonly path: string;
  text(): string;
}

const DOCUMENTS: readonly Generated[] = [
  { path: "docs/faults.md", text: faultsPage },
  { path: "docs/metrics.md", text: metricsReference },
  { path: "docs/timeouts-and-limits.md", text: numbersPage },
  { path: "docs/reference/config.md", text: configReference },
];

/** Which documents are out of date, a line each. */
export function checkDocs(): string[] {
  const wrong: string[] = [];
  for (const { path, text } of DOCUMENTS) {
    if (present(path) !== text()) wrong.push(`${path} is out of date: run npm run docs`);
  }
  return wrong;
}

function writeDocs(): void {
  for (const { path, text } of DOCUMENTS) {
    const wanted = text();
    if (present(path) === wanted) continue;
    mkdirSync(dirname(ROOT + path), { recursive: true });
    writeFileSync(ROOT + path, wanted);
    console.log(`wrote ${path}`);
  }
}

function present(path: string): string | undefined {
  return existsSync(ROOT + path) ? readFileSync(ROOT + path, "utf8") : undefined;
}

const SIDES: readonly { readonly side: FaultKind["side"]; readonly title: string }[] = [
  { side: "downstream", title: "The client did it" },
  { side: "proxy", title: "The proxy answers for a reason of its own" },
  { side: "upstream", title: "The upstream failed" },
];

/** One table a side, in the order of the source. */
export function faultsPage(): string {
  const rows: [string, FaultKind][] = Object.entries(FAULTS);
  const sections = SIDES.map(({ side, title }) => {
    const own = rows.filter(([, kind]) => kind.side === side);
    const lines = own.map(
      ([code, { status, retry, about }]) => `| \`${code}\` | ${status} | ${retry} | ${about} |`,
    );
    return [
      `## ${title}\n`,
      "| code | status | retry | when |",
      "|---|---|---|---|",
      ...lines,
      "",
    ].join("\n");
  });
  return `${INTRODUCTION}\n${sections.join("\n")}`;
}

const INTRODUCTION = `# Fault codes

<!-- Written by tools/docs.ts from src/core/fault.ts: change it there, then run npm run docs. -->

Every exchange that does not go as asked ends with one of these codes. It is in the access log
(\`fault\`), in the metrics (\`sluice_faults_total\`), and in the body of the error reply beside
the request id. The status is what the client gets, unless the response had already begun: then
the connection is cut, so that nobody takes a part for the whole. 499 is never sent; it stands in
the log for a client that was gone.

**retry** says whether another endpoint may be tried: \`always\`, because no byte of the request
had left; \`if-replayable\`, when the method is idempotent and the body can be sent once more; or
\`never\`. Codes are stable: they are added, but not renamed or given another meaning.
`;

if (import.meta.main) {
  if (process.argv.includes("--check")) {
    const wrong = checkDocs();
    for (const line of wrong) console.log(line);
    process.exitCode = wrong.length === 0 ? 0 : 1;
  } else {
    writeDocs();
  }
}
