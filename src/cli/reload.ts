/** `sluice reload`: makes a running proxy take its config anew, and tells what came of it. */
import { ADMIN_OPTIONS, AdminClient, tellRefusal } from "./admin-client.ts";
import type { AnswerIo } from "./command.ts";
import { readOptions } from "./options.ts";

interface Taken {
  readonly version: number;
  readonly leaving: { readonly exchanges: number; readonly tunnels: number };
  readonly warnings: readonly string[];
}

interface HasProblems {
  readonly problems: readonly { readonly text: string }[];
}

export async function reload(args: readonly string[], io: AnswerIo): Promise<number> {
  const options = readOptions("reload", args, ADMIN_OPTIONS, io);
  if (options === undefined) return 2;
  const admin = await AdminClient.find(options, io);
  const answer = await admin.ask("POST", "/api/reload");
  if (answer.status === 422) {
    const { problems } = answer.body as HasProblems;
    for (const { text } of problems) io.stderr.write(`${text}\n`);
    io.stderr.write("sluice reload: not reloaded, the running config stays\n");
    return 1;
  }
  if (answer.status !== 200) return tellRefusal("reload", answer, io);
  const { version, leaving, warnings } = answer.body as Taken;
  for (const warning of warnings) io.stderr.write(`warning: ${warning}\n`);
  io.stdout.write(`reloaded: config ${version}${leavingText(leaving)}\n`);
  return 0;
}

function leavingText({ exchanges, tunnels }: Taken["leaving"]): string {
  if (exchanges + tunnels === 0) return "";
  const words = [counted(exchanges, "exchange"), counted(tunnels, "tunnel")].filter(
    (word) => word !== "",
  );
  return `; ${words.join(" and ")} on what is gone will end, or be cut`;
}

function counted(count: number, word: string): string {
  return count === 0 ? "" : `${count} ${word}${count === 1 ? "" : "s"}`;
}
