/** `sluice purge`: takes responses out of the cache of a running proxy, in all workers. */
import { parseArgs } from "node:util";
import { ADMIN_OPTIONS, AdminClient, tellRefusal } from "./admin-client.ts";
import type { AnswerIo } from "./command.ts";
import { firstSentence, wrongUsage } from "./options.ts";

const OPTIONS = {
  ...ADMIN_OPTIONS,
  tag: { type: "string" },
  prefix: { type: "string" },
  all: { type: "boolean" },
  soft: { type: "boolean" },
} as const;

export async function purge(args: readonly string[], io: AnswerIo): Promise<number> {
  let parsed: ReturnType<typeof parse>;
  try {
    parsed = parse(args);
  } catch (error) {
    return wrongUsage("purge", firstSentence((error as Error).message), io);
  }
  const { values, positionals } = parsed;
  const [url, ...more] = positionals;
  if (more.length > 0) return wrongUsage("purge", `unexpected argument ${more[0]}`, io);
  const { tag, prefix, all } = values;
  const wanted = Object.entries({ url, tag, prefix, all }).filter(
    ([, value]) => value !== undefined,
  );
  if (wanted.length !== 1) {
    return wrongUsage("purge", "one of URL, --tag, --prefix and --all is wanted", io);
  }
  const admin = await AdminClient.find(values, io);
  const body = { ...Object.fromEntries(wanted), soft: values.soft ?? false };
  const answer = await admin.ask("POST", "/api/purge", body);
  if (answer.status !== 200) return tellRefusal("purge", answer, io);
  const { purged } = answer.body as { readonly purged: number };
  const done = values.soft === true ? "stale from now on" : "purged";
  io.stdout.write(`${purged} ${purged === 1 ? "response" : "responses"} ${done}\n`);
  return 0;
}

function parse(args: readonly string[]) {
  return parseArgs({ args: [...args], options: OPTIONS, allowPositionals: true });
}
