/** `sluice maintenance`: a running proxy answers 503 for a site or a route, or serves again. */
import { parseArgs } from "node:util";
import { ADMIN_OPTIONS, AdminClient, tellRefusal } from "./admin-client.ts";
import type { AnswerIo } from "./command.ts";
import { firstSentence, wrongUsage } from "./options.ts";

const OPTIONS = {
  ...ADMIN_OPTIONS,
  route: { type: "string" },
  all: { type: "boolean" },
} as const;

const WORDS: ReadonlyMap<string, boolean | "config"> = new Map<string, boolean | "config">([
  ["on", true],
  ["off", false],
  ["reset", "config"],
]);

interface Answered {
  readonly places: readonly { readonly site: string; readonly route?: string }[];
}

export async function maintenance(args: readonly string[], io: AnswerIo): Promise<number> {
  let parsed: ReturnType<typeof parse>;
  try {
    parsed = parse(args);
  } catch (error) {
    return wrongUsage("maintenance", firstSentence((error as Error).message), io);
  }
  const { values, positionals } = parsed;
  const [word = "", site, ...more] = positionals;
  const on = WORDS.get(word);
  if (on === undefined) return wrongUsage("maintenance", "on, off or reset is wanted", io);
  if (more.length > 0) return wrongUsage("maintenance", `unexpected argument ${more[0]}`, io);
  const { route, all } = values;
  if ((site === undefined) === (all === undefined) || (all === true && route !== undefined)) {
    return wrongUsage("maintenance", "SITE is wanted, or --all", io);
  }
  const admin = await AdminClient.find(values, io);
  const answer = await admin.ask("POST", "/api/maintenance", { site, route, all, on });
  if (answer.status !== 200) return tellRefusal("maintenance", answer, io);
  const { places } = answer.body as Answered;
  for (const place of places) {
    const name = place.route === undefined ? place.site : `${place.site} ${place.route}`;
    io.stdout.write(`${name}: maintenance ${on === "config" ? "as the config says" : word}\n`);
  }
  return 0;
}

function parse(args: readonly string[]) {
  return parseArgs({ args: [...args], options: OPTIONS, allowPositionals: true });
}
