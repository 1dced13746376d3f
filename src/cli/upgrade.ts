/** `sluice upgrade`: the program that is installed now takes over from the one that runs. */
import { ADMIN_OPTIONS, AdminClient, tellRefusal } from "./admin-client.ts";
import type { AnswerIo } from "./command.ts";
import { readOptions } from "./options.ts";

export async function upgrade(args: readonly string[], io: AnswerIo): Promise<number> {
  const values = readOptions("upgrade", args, ADMIN_OPTIONS, io);
  if (values === undefined) return 2;
  const admin = await AdminClient.find(values, io);
  const answer = await admin.ask("POST", "/api/upgrade");
  if (answer.status !== 200) return tellRefusal("upgrade", answer, io);
  const { pid } = answer.body as { readonly pid: number };
  io.stdout.write(`process ${pid} serves, the old one finishes\n`);
  return 0;
}
