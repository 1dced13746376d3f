/** `sluice status` and `sluice top`: what a running proxy does, once or live. */
import { ADMIN_OPTIONS, AdminClient, tellRefusal } from "./admin-client.ts";
import type { AnswerIo, CommandIo } from "./command.ts";
import { readOptions } from "./options.ts";
import { type ProxyStatus, type Rates, statusText } from "./status-text.ts";
import { type Counts, countsOf, ratesBetween } from "./top-rates.ts";

export async function status(args: readonly string[], io: AnswerIo): Promise<number> {
  const options = { ...ADMIN_OPTIONS, json: { type: "boolean" } } as const;
  const values = readOptions("status", args, options, io);
  if (values === undefined) return 2;
  const admin = await AdminClient.find(values, io);
  const answer = await admin.ask("GET", "/api/status");
  if (answer.status !== 200) return tellRefusal("status", answer, io);
  const text = values.json === true ? JSON.stringify(answer.body, undefined, 2) : undefined;
  io.stdout.write(`${text ?? statusText(answer.body as ProxyStatus, undefined)}\n`);
  return 0;
}

const EVERY_MS = 1_000;
const CLEAR = "\u001b[H\u001b[2J";

/** Until a signal, or so many looks. */
export async function top(args: readonly string[], io: CommandIo): Promise<number> {
  const options = { ...ADMIN_OPTIONS, looks: { type: "string" } } as const;
  const values = readOptions("top", args, options, io);
  if (values === undefined) return 2;
  const looks = values.looks === undefined ? Number.POSITIVE_INFINITY : Number(values.looks);
  const admin = await AdminClient.find(values, io);
  let isOver = false;
  let wake = () => {};
  const end = () => {
    isOver = true;
    wake();
  };
  io.signals.on("SIGINT", end);
  io.signals.on("SIGTERM", end);
  let before: Counts | undefined;
  for (let look = 0; look < looks && !isOver; look++) {
    const shown = await admin.ask("GET", "/api/status");
    const metrics = await admin.ask("GET", "/metrics");
    if (shown.status !== 200) return tellRefusal("top", shown, io);
    const counts = countsOf(String(metrics.body));
    const rates: Rates | undefined = before && ratesBetween(before, counts, EVERY_MS / 1000);
    before = counts;
    const text = statusText(shown.body as ProxyStatus, rates);
    io.stdout.write(`${io.stdout.isTTY === true ? CLEAR : ""}${text}\n`);
    if (look + 1 >= looks) break;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, EVERY_MS);
      wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
  return 0;
}
