/**
 * The request cases of nodejs/llhttp, sent through the proxy as they are and, where they lack it,
 * with a Host. The data lies beside the project and is not part of it.
 */
import { readFileSync } from "node:fs";
import { Client } from "../support/client.ts";
import { pause } from "../support/deadline.ts";
import { Origin } from "../support/origin.ts";
import type { StartedProxy } from "../support/proxy.ts";
import { forwardTo, OK } from "../support/scenario.ts";
import { type Gap, type Outcome, type Suite, settle } from "./suite.ts";

interface Case {
  readonly id: string;
  readonly b64: string;
  readonly expect: "accept" | "accept-nohost" | "reject" | "wait";
  readonly err?: string;
}

// biome-ignore format: a table
/** What llhttp accepts and we refuse, because RFC 9112, RFC 9110 or SECURITY.md is stricter. */
const STRICTER: readonly Gap[] = [
  { id: /CONNECT|Underscore in hostname/,            reason: "CONNECT is not served by a reverse proxy (S9)" },
  { id: /with ICE|with RTSP/,                        reason: "another protocol than HTTP" },
  { id: /No HTTP version/,                           reason: "HTTP/0.9 is not spoken" },
  { id: /curl GET|Firefox GET/,                      reason: "Host: 0.0.0.0=5000 is no authority (RFC 3986 §3.2.2)" },
  { id: /Multiple tokens with folding|Upgrade GET/,  reason: "no WebSocket handshake of RFC 6455 (S8)" },
  { id: /M-SEARCH/,                                  reason: "the asterisk form is for OPTIONS only (RFC 9112 §3.2.4)" },
  { id: /`chunked` as last transfer-encoding/,       reason: "transfer codings other than chunked are not implemented (S1)" },
  { id: /Fragment in URI/,                           reason: "a fragment is no part of a request target (RFC 9112 §3.2)" },
  { id: /basic auth/,                                reason: "userinfo in the target (RFC 9110 §4.2.4)" },
  { id: /Content-Length reset when no body/,         reason: "the body that Content-Length announces never comes" },
  { id: /PRI request HTTP2/,                         reason: "the asterisk form is for OPTIONS only (RFC 9112 §3.2.4)" },
  { id: /Emitting part of body|Upgrade POST/,        reason: "no other protocol is switched to, so what follows the body is a (bad) request (S7)" },
];

// biome-ignore format: a table
/** What llhttp refuses and we accept. Only what the case is about once it has a Host. */
const LAXER: readonly Gap[] = [
  { id: /Invalid method/,                            reason: "a method may be any token (RFC 9110 §9.1)" },
];

export const llhttp: Suite = {
  name: "llhttp",
  about: "nodejs/llhttp test/request, strict mode",
  async run({ start, path }) {
    const file = path ?? new URL("../../../shared/data/h1/llhttp.jsonl", import.meta.url).pathname;
    const cases = casesIn(file);
    if (cases === undefined) return { skipped: `no ${file}` };
    const origin = await Origin.open(OK);
    const proxy = await start(forwardTo(origin.url));
    const outcomes: Outcome[] = [];
    for (const each of cases) {
      outcomes.push(await asItIs(each, origin, proxy));
      const other = await repaired(each, origin, proxy);
      if (other !== undefined) outcomes.push(other);
    }
    await proxy.stop();
    await origin.close();
    return { groups: settle(outcomes) };
  },
};

function casesIn(file: string): Case[] | undefined {
  try {
    const lines = readFileSync(file, "utf8").trim().split("\n");
    return lines.map((line) => JSON.parse(line) as Case);
  } catch {
    return undefined;
  }
}

interface Verdict {
  readonly early: readonly number[]; // statuses that came while the connection was open
  readonly statuses: readonly number[]; // all of them, after our FIN
  readonly completed: number; // requests that the origin has whole
}

async function asItIs(each: Case, origin: Origin, proxy: StartedProxy): Promise<Outcome> {
  const bytes = Buffer.from(each.b64, "base64").toString("latin1");
  const verdict = await send(bytes, origin, proxy);
  const id = each.id;
  if (each.expect === "reject") {
    const passed = isRefused(verdict, each);
    const gap = LAXER.find((known) => known.id.test(id) && /^host:/im.test(bytes));
    return { group: "to refuse", id, passed, detail: show(verdict), gap };
  }
  if (/^\S+ \S+ HTTP\/1\.1\r\n/m.test(bytes) && !/^host:/im.test(bytes)) {
    const isUnhosted = verdict.completed === 0 && isRefused(verdict, each);
    const group = "without Host, to refuse (RFC 9112 §3.2)";
    return { group, id, passed: isUnhosted, detail: show(verdict), gap: undefined };
  }
  return accepted("to accept", each, bytes, verdict);
}

/** The case with a Host, and with the end of the head where it has none: the defect stays alone. */
async function repaired(
  each: Case,
  origin: Origin,
  proxy: StartedProxy,
): Promise<Outcome | undefined> {
  const bytes = Buffer.from(each.b64, "base64").toString("latin1");
  const better = withHost(bytes);
  if (better === bytes) return undefined;
  const verdict = await send(better, origin, proxy);
  const id = `${each.id} (with Host)`;
  if (each.expect !== "reject") return accepted("to accept, with Host", each, better, verdict);
  const gap = LAXER.find((known) => known.id.test(each.id));
  const passed = isRefused(verdict, each);
  return { group: "to refuse, with Host", id, passed, detail: show(verdict), gap };
}

function accepted(group: string, each: Case, bytes: string, verdict: Verdict): Outcome {
  const gap = STRICTER.find((known) => known.id.test(each.id));
  const isTaken = verdict.early.every((status) => status < 400);
  const passed = isTaken && (verdict.completed > 0 || each.expect === "wait");
  const detail = `${show(verdict)} ${JSON.stringify(bytes.slice(0, 60))}`;
  return { group, id: each.id, passed, detail, gap };
}

function withHost(bytes: string): string {
  let text = bytes;
  if (!/^host:/im.test(bytes)) {
    text = text.replace(/^[A-Z-]+ (\S+) HTTP\/1\.[01]\r\n/gm, (line, target: string) => {
      const [, authority = "a.test"] = /^https?:\/\/([^/?#]+)/.exec(target) ?? [];
      return `${line}Host: ${authority.replace(/^.*@/, "")}\r\n`;
    });
  }
  if (!text.includes("\r\n\r\n") && text.endsWith("\r\n")) text += "\r\n";
  return text;
}

function isRefused(verdict: Verdict, each: Case): boolean {
  // Data behind the last request is not refused but never read.
  if (each.err?.startsWith("Data after") === true) return verdict.statuses.length === 1;
  return verdict.statuses.length === 0 || verdict.statuses.some((status) => status >= 400);
}

function show({ statuses, completed }: Verdict): string {
  return `answered ${statuses.join(" ") || "nothing"}, ${completed} at the origin`;
}

const QUIET_MS = 150;

async function send(bytes: string, origin: Origin, proxy: StartedProxy): Promise<Verdict> {
  const before = origin.completed.length;
  const client = await Client.connect(proxy.port);
  client.send(bytes);
  for (let length = -1; length !== client.text.length && !client.over; ) {
    length = client.text.length;
    await pause(QUIET_MS);
  }
  const early = statusesIn(client.text);
  const completed = origin.completed.length - before;
  client.halfClose();
  await client.readToEnd();
  client.close();
  return { early, statuses: statusesIn(client.text), completed };
}

function statusesIn(text: string): number[] {
  return (text.match(/HTTP\/1\.1 (\d{3})/g) ?? []).map((line) => Number(line.slice(9)));
}
