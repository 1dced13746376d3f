import type { Health } from "../../core/upstream.ts";

/** How the endpoints of one upstream are asked whether they can serve. Plain data: it makes a key. */
export interface CheckOptions {
  readonly everyMs: number;
  readonly everyDownMs: number; // while the endpoint is down
  readonly jitterPercent: number; // of the interval, either way
  readonly timeoutMs: number; // for the whole check
  readonly up: number; // so many good ones in a row bring it back
  readonly down: number; // so many bad ones take it out
  readonly initial: Health; // until the first result
  readonly port: number | undefined; // another one than requests go to
  readonly ask: HttpAsk | TcpAsk | GrpcAsk;
}

export interface HttpAsk {
  readonly kind: "http";
  readonly method: string;
  readonly path: string;
  readonly host: string | undefined; // the endpoint's own if undefined
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly statuses: readonly (readonly [from: number, to: number])[];
  /** Each as an exact text, "*" for any, or "~" and a regular expression. */
  readonly wantedHeaders: readonly (readonly [name: string, value: string])[];
  /** A part of it, or "~" and a regular expression. */
  readonly wantedBody: string | undefined;
}

export interface TcpAsk {
  readonly kind: "tcp";
  readonly send: string | undefined;
  readonly expect: string | undefined; // as wantedBody
}

/** A call of grpc.health.v1. */
export interface GrpcAsk {
  readonly kind: "grpc";
  readonly service: string; // "": the server as a whole
  readonly host: string | undefined; // as that of HttpAsk
  readonly headers: HttpAsk["headers"];
}

export const CHECK: Omit<CheckOptions, "ask" | "port"> = {
  everyMs: 5_000,
  everyDownMs: 5_000,
  jitterPercent: 10,
  timeoutMs: 2_000,
  up: 2,
  down: 3,
  initial: "unknown",
};

export const HTTP_ASK: HttpAsk = {
  kind: "http",
  method: "GET",
  path: "/",
  host: undefined,
  headers: [],
  statuses: [[200, 399]],
  wantedHeaders: [],
  wantedBody: undefined,
};
