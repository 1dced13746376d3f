import { ROUTES_PER_SITE } from "../contestants/contestant.ts";
import {
  BARE_HEAD,
  BROWSER_HEAD,
  CLOSING_HEAD,
  GZIP_HEAD,
  LONG_HEAD,
} from "../parts/request-heads.ts";
import type { Load } from "../parts/wrk.ts";

/** Which contestants take part, and whether they write their access log. */
export type Field =
  | "logged"
  | "loggedAndNot"
  | "unlogged"
  | "bodies"
  | "sites"
  | "streams"
  | "tls"
  | "gzip"
  | "refused"
  | "cached"
  | "cachedGzip";

export interface LoadScenario {
  readonly kind: "load";
  readonly name: string;
  readonly about: string;
  readonly field: Field;
  readonly load: Load;
}

export interface OtherScenario {
  readonly kind: "idle" | "start";
  readonly name: string;
  readonly about: string;
  readonly field: Field;
}

export type Scenario = LoadScenario | OtherScenario;

const MEBIBYTE = 1024 * 1024;

/** Enough to keep one core busy with small messages. */
const MANY = 64;
/**
 * Of large messages, fewer: what is in flight when a slice ends was paid for and is not counted,
 * which 64 of them would make visible.
 */
const FEW = 8;

/** The fleet of the `sites` scenario beside the handful it is compared with. */
export const SITES_FEW = 10;
export const SITES_MANY = 10_000;

/** The default of Sluice, for both. */
export const GZIP_LEVEL = 5;

const small: Load = {
  target: "/small",
  connections: MANY,
  headers: BROWSER_HEAD,
  script: ["get"],
};

const upload: Load = {
  target: "/upload",
  connections: FEW,
  headers: BROWSER_HEAD,
  script: ["post", String(MEBIBYTE)],
};

export const SCENARIOS: readonly Scenario[] = [
  load("small", "GET of 100 B, kept connections, 12 header fields", small, "loggedAndNot"),
  load("small-nolog", "the same, nobody writes an access log", small, "unlogged"),
  load("bare", "GET of 100 B, 2 header fields", { ...small, headers: BARE_HEAD }),
  load("headers40", "GET of 100 B, 40 header fields", { ...small, headers: LONG_HEAD }),
  load("10k", "GET of 10 KiB", { ...small, target: "/10k" }, "bodies"),
  load("1m", "GET of 1 MiB", { ...small, target: "/1m", connections: FEW }, "bodies"),
  load("upload", "POST of 1 MiB", upload, "bodies"),
  load("hit", "GET of 100 B that is stored, 12 header fields", small, "cached"),
  load("hit-10k", "GET of 10 KiB that is stored", { ...small, target: "/10k" }, "cached"),
  load(
    "hit-gzip",
    "GET of 10 KiB of JSON that is stored, compressed",
    gzip("/json-10k", MANY),
    "cachedGzip",
  ),
  load("refuse", "GET that is refused, beside one of 100 B that is proxied", small, "refused"),
  load("connect", "a new connection for every request", { ...small, headers: CLOSING_HEAD }),
  load(
    "sites",
    `${SITES_MANY} sites of ${ROUTES_PER_SITE} routes beside ${SITES_FEW} sites`,
    small,
    "sites",
  ),
  load(
    "l4",
    "GET of 1 MiB through a TCP stream: µs a request is µs a MiB",
    { ...small, target: "/1m", connections: FEW },
    "streams",
  ),
  load("l4-upload", "POST of 1 MiB through a TCP stream", upload, "streams"),
  load("l4-small", "GET of 100 B through a TCP stream, kept connections", small, "streams"),
  load(
    "l4-connect",
    "a new connection through a TCP stream for every request",
    { ...small, headers: CLOSING_HEAD },
    "streams",
  ),
  load(
    "tls-small",
    "GET of 100 B over TLS 1.3, kept connections",
    { ...small, isTls: true },
    "tls",
  ),
  load(
    "tls-connect",
    "a full handshake (P-256) for every GET",
    { ...small, connections: FEW, headers: CLOSING_HEAD, isTls: true },
    "tls",
  ),
  load(
    "tls-10m",
    "GET of 10 MiB over TLS",
    { ...small, target: "/10m", connections: FEW, isTls: true },
    "tls",
  ),
  load(
    "tls-h2",
    "GET of 100 B over HTTP/2 and TLS, 16 connections with 10 streams each",
    { ...small, connections: 16, streams: 10, isTls: true },
    "tls",
  ),
  load(
    "tls-h2-1",
    "GET of 100 B over HTTP/2 and TLS, 64 connections with one stream each",
    { ...small, streams: 1, isTls: true },
    "tls",
  ),
  load("gzip-10k", "GET of 10 KiB of JSON, compressed", gzip("/json-10k", MANY), "gzip"),
  load("gzip-100k", "GET of 100 KiB of JSON, compressed", gzip("/json-100k", FEW), "gzip"),
  { kind: "idle", name: "idle", about: "memory of idle client connections", field: "logged" },
  { kind: "idle", name: "tls-idle", about: "memory of idle TLS connections", field: "tls" },
  { kind: "start", name: "start", about: "from spawn to the first 200", field: "logged" },
];

export function scenarioNamed(name: string): Scenario | undefined {
  return SCENARIOS.find((scenario) => scenario.name === name);
}

function gzip(target: string, connections: number): Load {
  return { target, connections, headers: GZIP_HEAD, script: ["get"] };
}

function load(name: string, about: string, what: Load, field: Field = "logged"): LoadScenario {
  return { kind: "load", name, about, field, load: what };
}
