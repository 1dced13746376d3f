/** `sluice drain`, `undrain`, `add` and `remove`: the endpoints of a running proxy. */
import { type ParseArgsConfig, parseArgs } from "node:util";
import { durationMs } from "../core/fields.ts";
import { ADMIN_OPTIONS, type AdminAnswer, AdminClient, tellRefusal } from "./admin-client.ts";
import type { AnswerIo } from "./command.ts";
import { firstSentence, wrongUsage } from "./options.ts";

export interface EndpointAnswer {
  readonly upstream: string;
  readonly name: string;
  readonly health: string;
  readonly active: number;
}

const LOOK_EVERY_MS = 200;

export function drain(args: readonly string[], io: AnswerIo): Promise<number> {
  return command("drain", args, io, async ({ admin, upstream, endpoint, values }) => {
    const waitMs = values["wait"] === undefined ? 0 : durationOf(String(values["wait"]));
    if (waitMs === undefined) {
      return wrongUsage("drain", `--wait must be such as 60s, got ${values["wait"]}`, io);
    }
    const path = `${pathOf(upstream, endpoint)}/drain`;
    for (let leftMs = waitMs; ; leftMs -= LOOK_EVERY_MS) {
      const answer = await admin.ask("POST", path);
      if (answer.status !== 200) return tellRefusal("drain", answer, io);
      const { name, active } = answer.body as EndpointAnswer;
      if (active === 0 || leftMs <= 0) {
        io.stdout.write(`${upstream} ${name}: draining, ${requests(active)} in flight\n`);
        return waitMs > 0 && active > 0 ? 1 : 0;
      }
      await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
    }
  });
}

export function undrain(args: readonly string[], io: AnswerIo): Promise<number> {
  return command("undrain", args, io, async ({ admin, upstream, endpoint }) => {
    const answer = await admin.ask("POST", `${pathOf(upstream, endpoint)}/undrain`);
    return told("undrain", answer, io, ({ name, health }) => `${upstream} ${name}: ${health}`);
  });
}

export function add(args: readonly string[], io: AnswerIo): Promise<number> {
  return command("add", args, io, async ({ admin, upstream, endpoint, values }) => {
    const { weight, backup } = values;
    const answer = await admin.ask(
      "POST",
      `/api/upstreams/${encodeURIComponent(upstream)}/endpoints`,
      {
        url: endpoint,
        ...(weight === undefined ? {} : { weight: Number(weight) }),
        ...(backup === true ? { backup } : {}),
      },
    );
    return told("add", answer, io, ({ name }) => `${upstream} ${name}: added, until a restart`);
  });
}

export function remove(args: readonly string[], io: AnswerIo): Promise<number> {
  return command("remove", args, io, async ({ admin, upstream, endpoint }) => {
    const answer = await admin.ask("DELETE", pathOf(upstream, endpoint));
    return told("remove", answer, io, ({ name, active }) => {
      return `${upstream} ${name}: removed, until a restart; ${requests(active)} in flight go on`;
    });
  });
}

type CommandName = "drain" | "undrain" | "add" | "remove";

interface Asked {
  readonly admin: AdminClient;
  readonly upstream: string;
  readonly endpoint: string;
  readonly values: Readonly<Record<string, unknown>>;
}

const OPTIONS: Readonly<Record<CommandName, NonNullable<ParseArgsConfig["options"]>>> = {
  drain: { ...ADMIN_OPTIONS, wait: { type: "string" } },
  undrain: ADMIN_OPTIONS,
  add: { ...ADMIN_OPTIONS, weight: { type: "string" }, backup: { type: "boolean" } },
  remove: ADMIN_OPTIONS,
};

async function command(
  name: CommandName,
  args: readonly string[],
  io: AnswerIo,
  act: (asked: Asked) => Promise<number>,
): Promise<number> {
  let parsed: {
    readonly values: Readonly<Record<string, unknown>>;
    readonly positionals: string[];
  };
  try {
    parsed = parseArgs({ args: [...args], options: OPTIONS[name], allowPositionals: true });
  } catch (error) {
    return wrongUsage(name, firstSentence((error as Error).message), io);
  }
  const [upstream, endpoint, ...more] = parsed.positionals;
  if (upstream === undefined || endpoint === undefined) {
    return wrongUsage(name, "UPSTREAM and ENDPOINT are wanted, such as web 10.0.0.1:3000", io);
  }
  if (more.length > 0) return wrongUsage(name, `unexpected argument ${more[0]}`, io);
  const admin = await AdminClient.find(parsed.values, io);
  return act({ admin, upstream, endpoint, values: parsed.values });
}

function told(
  name: CommandName,
  answer: AdminAnswer,
  io: AnswerIo,
  line: (endpoint: EndpointAnswer) => string,
): number {
  if (answer.status >= 300) return tellRefusal(name, answer, io);
  io.stdout.write(`${line(answer.body as EndpointAnswer)}\n`);
  return 0;
}

function pathOf(upstream: string, endpoint: string): string {
  return `/api/upstreams/${encodeURIComponent(upstream)}/endpoints/${encodeURIComponent(endpoint)}`;
}

function requests(count: number): string {
  return count === 1 ? "1 request" : `${count} requests`;
}

/** undefined for what is no duration. */
function durationOf(text: string): number | undefined {
  const ms = durationMs(text);
  return Number.isFinite(ms) && ms > 0 ? ms : undefined;
}
