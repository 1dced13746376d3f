/** The status of a call: a number that HTTP knows nothing of, in a field of the trailers. */
import type { HeaderList } from "../http/header-list.ts";

// biome-ignore format: a table
export const GRPC_NAMES = [
  "OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND", "ALREADY_EXISTS",
  "PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION", "ABORTED", "OUT_OF_RANGE", "UNIMPLEMENTED",
  "INTERNAL", "UNAVAILABLE", "DATA_LOSS", "UNAUTHENTICATED",
] as const;

export type GrpcName = (typeof GRPC_NAMES)[number];

export const GRPC = Object.fromEntries(
  GRPC_NAMES.map((name, number) => [name, number]),
) as Readonly<Record<GrpcName, number>>;

/** Anything that is no number of the table, as gRPC's clients have it. */
export function readGrpcStatus(value: string): number {
  const isNumber = /^(?:[0-9]|1[0-6])$/.test(value);
  return isNumber ? Number(value) : GRPC.UNKNOWN;
}

/** What a client of gRPC makes of an answer that is none of gRPC ("HTTP to gRPC Status Code Mapping"). */
export function grpcOfHttp(status: number): GrpcName {
  switch (status) {
    case 400:
      return "INTERNAL";
    case 401:
      return "UNAUTHENTICATED";
    case 403:
      return "PERMISSION_DENIED";
    case 404:
      return "UNIMPLEMENTED";
    case 429:
    case 502:
    case 503:
    case 504:
      return "UNAVAILABLE";
    default:
      return "UNKNOWN";
  }
}

/** Where a number may be a status of either, those of gRPC follow behind those of HTTP. */
const BEHIND_HTTP = 600;

/**
 * What a head of 200 says of a call: nothing, or that it failed before it began ("Trailers-Only", whether the
 * stream ends with it or with an empty frame behind). A status in trailers comes too late for anything.
 */
export function judgedStatus(headers: HeaderList): number {
  const told = headers.get("grpc-status");
  const number = told === undefined ? GRPC.OK : readGrpcStatus(told);
  return number === GRPC.OK ? 200 : BEHIND_HTTP + number;
}

/** "UNAVAILABLE" → as judgedStatus() has it; undefined: it is the name of no failure. */
export function judgedOf(name: string): number | undefined {
  const number = GRPC_NAMES.indexOf(name as GrpcName);
  return number <= GRPC.OK ? undefined : BEHIND_HTTP + number;
}

/** A judged status as configs write it. */
export function judgedText(judged: number): string {
  return GRPC_NAMES[judged - BEHIND_HTTP] ?? String(judged);
}

// The way back is for health and breakers, which know statuses of HTTP. What a service says of a
// request is no failure of the endpoint.
const HTTP_OF: Readonly<Partial<Record<GrpcName, number>>> = {
  UNKNOWN: 500,
  DEADLINE_EXCEEDED: 504,
  RESOURCE_EXHAUSTED: 429,
  INTERNAL: 500,
  UNAVAILABLE: 503,
  DATA_LOSS: 500,
};

/** A judged status as one of HTTP. */
export function httpOfJudged(judged: number): number {
  if (judged < BEHIND_HTTP) return judged;
  return HTTP_OF[GRPC_NAMES[judged - BEHIND_HTTP]!] ?? 200;
}

/** As grpc-message has it: visible ASCII as it is, all else and "%" as %XX of UTF-8. */
export function grpcMessage(text: string): string {
  let message = "";
  for (const byte of Buffer.from(text, "utf8")) {
    const isPlain = byte >= 0x20 && byte <= 0x7e && byte !== 0x25;
    message += isPlain
      ? String.fromCharCode(byte)
      : `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
  }
  return message;
}
