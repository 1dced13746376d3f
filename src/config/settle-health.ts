import type { Health } from "../core/upstream.ts";
import {
  CHECK,
  type CheckOptions,
  HTTP_ASK,
  type HttpAsk,
} from "../upstream/health/check-options.ts";
import { PASSIVE, type PassiveOptions } from "../upstream/health/passive-check.ts";
import { present } from "./settle-retry.ts";

/** What the schema of `health` answers with. */
export interface ParsedHealth {
  readonly passive?: "off" | ParsedPassive | undefined;
  readonly active?: "off" | ParsedActive | undefined;
}

interface ParsedActive {
  readonly path?: string | undefined;
  readonly method?: string | undefined;
  readonly host?: string | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly expect?:
    | {
        readonly status?: HttpAsk["statuses"] | undefined;
        readonly header?: Readonly<Record<string, string>> | undefined;
        readonly body?: string | undefined;
      }
    | undefined;
  readonly tcp?: true | { readonly send?: string; readonly expect?: string } | undefined;
  readonly grpc?: true | { readonly service?: string | undefined } | undefined;
  readonly port?: number | undefined;
  readonly every?: number | undefined;
  readonly everyDown?: number | undefined;
  readonly timeout?: number | undefined;
  readonly jitter?: number | undefined;
  readonly up?: number | undefined;
  readonly down?: number | undefined;
  readonly initial?: Health | undefined;
}

interface ParsedPassive {
  readonly failures?: number | undefined;
  readonly within?: number | undefined;
  readonly ejectFor?: number | undefined;
  readonly ejectMost?: number | undefined;
  readonly share?: number | undefined;
  readonly statuses?: readonly number[] | undefined;
}

export function settlePassive(
  passive: "off" | ParsedPassive | undefined,
): PassiveOptions | undefined {
  if (passive === "off") return undefined;
  const { failures, within, ejectFor, ejectMost, share, statuses } = passive ?? {};
  const ejectForMs = ejectFor ?? PASSIVE.ejectForMs;
  return {
    ...PASSIVE,
    ...present({ failures, withinMs: within, ejectPercent: share } as Partial<PassiveOptions>),
    ejectForMs,
    // Who wants more at once than our most wants no less later.
    ejectMostMs: ejectMost ?? Math.max(PASSIVE.ejectMostMs, ejectForMs),
    statuses: statuses === undefined ? PASSIVE.statuses : new Set(statuses),
  };
}

export function settleActive(active: "off" | ParsedActive | undefined): CheckOptions | undefined {
  if (active === undefined || active === "off") return undefined;
  const { every, everyDown, timeout, jitter, up, down, initial, port } = active;
  const everyMs = every ?? CHECK.everyMs;
  return {
    everyMs,
    everyDownMs: everyDown ?? everyMs,
    jitterPercent: jitter ?? CHECK.jitterPercent,
    timeoutMs: timeout ?? CHECK.timeoutMs,
    up: up ?? CHECK.up,
    down: down ?? CHECK.down,
    initial: initial ?? CHECK.initial,
    port,
    ask: settleAsk(active),
  };
}

function settleAsk({
  tcp,
  grpc,
  method,
  path,
  host,
  headers,
  expect,
}: ParsedActive): CheckOptions["ask"] {
  if (tcp !== undefined) {
    const { send, expect: wanted } = tcp === true ? {} : tcp;
    return { kind: "tcp", send, expect: wanted };
  }
  if (grpc !== undefined) {
    const { service = "" } = grpc === true ? {} : grpc;
    return { kind: "grpc", service, host, headers: Object.entries(headers ?? {}) };
  }
  return {
    kind: "http",
    method: method ?? HTTP_ASK.method,
    path: path ?? HTTP_ASK.path,
    host,
    headers: Object.entries(headers ?? {}),
    statuses: expect?.status ?? HTTP_ASK.statuses,
    wantedHeaders: Object.entries(expect?.header ?? {}),
    wantedBody: expect?.body,
  };
}
