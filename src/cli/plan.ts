/** `sluice plan`: what a reload would change, in words, and whom it would touch. */
import type { Plan, PlannedChange, PostedConfig } from "../admin/plan-control.ts";
import { check } from "../config/check.ts";
import { load } from "../config/load.ts";
import { vocabulary } from "../features/index.ts";
import { ADMIN_OPTIONS, AdminClient, tellRefusal } from "./admin-client.ts";
import { tellChecked } from "./check.ts";
import type { AnswerIo } from "./command.ts";
import { readOptions } from "./options.ts";

const OPTIONS = {
  ...ADMIN_OPTIONS,
  json: { type: "boolean" },
  "exit-code": { type: "boolean" },
} as const;

/** 0: it is known what would change, 1: it is not; with --exit-code, 3 if anything would. */
export async function plan(args: readonly string[], io: AnswerIo): Promise<number> {
  const values = readOptions("plan", args, OPTIONS, io);
  if (values === undefined) return 2;
  const { config: file } = values;
  const loaded = await load({ folder: io.cwd, ...(file === undefined ? {} : { file }) });
  const checked = check(loaded, vocabulary);
  if (checked.config === undefined) {
    tellChecked(loaded, checked, values.json ?? false, io);
    return 1;
  }
  const admin = await AdminClient.find(values, io);
  const posted: PostedConfig = {
    name: loaded.origin.name,
    folder: loaded.folder,
    value: loaded.value,
    expansions: [...loaded.expansions],
  };
  const answer = await admin.ask("POST", "/api/plan", posted);
  if (answer.status !== 200) return tellRefusal("plan", answer, io);
  const found = answer.body as Plan;
  const text = values.json === true ? JSON.stringify(found, undefined, 2) : planText(found);
  io.stdout.write(`${text}\n`);
  return values["exit-code"] === true && found.changes.length > 0 ? 3 : 0;
}

const SIGNS = { added: "+", removed: "-", changed: "~" } as const;

export function planText({ from, to, changes, held }: Plan): string {
  const lines = [`running: ${from.name} (version ${from.version})`, `planned: ${to.name}`, ""];
  if (changes.length === 0) lines.push("nothing would change");
  for (const change of changes) lines.push(`${SIGNS[change.kind]} ${changeText(change)}`);
  if (changes.length > 0) lines.push("", summary(changes));
  if (held.length > 0) {
    lines.push("", "done by hand, and kept by a reload:");
    for (const { upstream, endpoint, is } of held) {
      lines.push(`  endpoint ${endpoint} of ${upstream} is ${is}`);
    }
  }
  return lines.join("\n");
}

function changeText(change: PlannedChange): string {
  const { what, name, of, key, before, after, leaving } = change;
  const subject = what === "setting" ? `setting ${key}` : `${what} ${name}${ofText(what, of)}`;
  if (change.kind !== "changed") {
    const { exchanges = 0, tunnels = 0 } = leaving ?? {};
    const parts = [counted(tunnels, "WebSocket"), counted(exchanges, "request")];
    const busy = parts.filter((part) => part !== "").join(" and ");
    return busy === "" ? subject : `${subject}: ${busy} on it will drain`;
  }
  const difference = `${before} → ${after}`;
  return what === "setting" ? `${subject}: ${difference}` : `${subject}: ${key} ${difference}`;
}

function ofText(what: string, of: string | undefined): string {
  if (of === undefined) return "";
  return what === "route" ? ` (${of})` : ` of ${of}`;
}

function summary(changes: readonly PlannedChange[]): string {
  const count = (kind: PlannedChange["kind"]) =>
    changes.filter((change) => change.kind === kind).length;
  return `${count("added")} added, ${count("changed")} changed, ${count("removed")} removed`;
}

function counted(count: number, word: string): string {
  return count === 0 ? "" : `${count} ${word}${count === 1 ? "" : "s"}`;
}
