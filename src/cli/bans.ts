/** `sluice bans`: who is kept out by a running proxy, and puts clients on that list or takes them off. */
import { parseArgs } from "node:util";
import { ADMIN_OPTIONS, AdminClient, tellRefusal } from "./admin-client.ts";
import type { AnswerIo } from "./command.ts";
import { firstSentence, wrongUsage } from "./options.ts";

const OPTIONS = { ...ADMIN_OPTIONS, for: { type: "string" } } as const;
const FOR_DEFAULT = "1h";

interface Listed {
  readonly client: string;
  readonly reason: string;
  readonly level: number;
  readonly remainingSeconds: number;
}

export async function bans(args: readonly string[], io: AnswerIo): Promise<number> {
  let parsed: ReturnType<typeof parse>;
  try {
    parsed = parse(args);
  } catch (error) {
    return wrongUsage("bans", firstSentence((error as Error).message), io);
  }
  const { values, positionals } = parsed;
  const [what, client, ...more] = positionals;
  if (more.length > 0) return wrongUsage("bans", `unexpected argument ${more[0]}`, io);
  if (what !== undefined && what !== "add" && what !== "lift") {
    return wrongUsage("bans", `unexpected argument ${what}`, io);
  }
  if (what !== undefined && client === undefined) {
    return wrongUsage("bans", `${what} needs an address`, io);
  }
  if (values.for !== undefined && what !== "add") {
    return wrongUsage("bans", "--for is for add", io);
  }
  const admin = await AdminClient.find(values, io);
  if (what === "add") return await add(admin, client!, values.for ?? FOR_DEFAULT, io);
  if (what === "lift") return await lift(admin, client!, io);
  return await list(admin, io);
}

async function list(admin: AdminClient, io: AnswerIo): Promise<number> {
  const answer = await admin.ask("GET", "/api/bans");
  if (answer.status !== 200) return tellRefusal("bans", answer, io);
  const found = (answer.body as { readonly bans: readonly Listed[] }).bans;
  if (found.length === 0) io.stdout.write("nobody is banned\n");
  const width = Math.max(0, ...found.map(({ client }) => client.length));
  for (const { client, reason, level, remainingSeconds } of found) {
    const times = level === 1 ? "" : `, time ${level} in a row`;
    io.stdout.write(`${client.padEnd(width)}  ${remainingSeconds}s left, ${reason}${times}\n`);
  }
  return 0;
}

async function add(admin: AdminClient, client: string, time: string, io: AnswerIo) {
  const answer = await admin.ask("POST", "/api/bans", { client, for: time });
  if (answer.status !== 200) return tellRefusal("bans", answer, io);
  io.stdout.write(`${client} is banned for ${time}\n`);
  return 0;
}

async function lift(admin: AdminClient, client: string, io: AnswerIo) {
  const answer = await admin.ask("DELETE", `/api/bans/${encodeURIComponent(client)}`);
  if (answer.status !== 200) return tellRefusal("bans", answer, io);
  io.stdout.write(`${client} may come again\n`);
  return 0;
}

function parse(args: readonly string[]) {
  return parseArgs({ args: [...args], options: OPTIONS, allowPositionals: true });
}
