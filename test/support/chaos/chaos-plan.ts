import { Seeded } from "../seeded.ts";
import type { SimNetworkOptions } from "../sim-network.ts";

/** A whole run as data: it follows from its seed, and what is left out of it can be tried without. */
export interface ChaosPlan {
  readonly seed: number;
  readonly network: SimNetworkOptions;
  readonly clients: readonly ClientPlan[];
  readonly disturbances: readonly Disturbance[];
  readonly drainsAtMs: number | undefined; // undefined: the proxy lives on to the end
}

export type Route = "plain" | "retry" | "replay" | "once";
export type Leaving = "finish" | "close" | "reset";

export interface ClientPlan {
  readonly startMs: number;
  readonly requests: readonly RequestPlan[];
  readonly pipelines: boolean;
  readonly thinkMs: number; // between an answer and the next request
  readonly napMs: number; // 0: reads as it comes; else stops reading for this long again and again
  readonly leaves: { readonly atMs: number; readonly how: Leaving } | undefined;
  readonly closesWhenDone: boolean; // or waits for the proxy to close
}

export interface RequestPlan {
  readonly number: number; // of no other request in the run
  readonly kind: "good" | "bad" | "socket" | "here" | "nowhere";
  readonly method: string;
  readonly route: Route;
  readonly minorVersion: 0 | 1;
  readonly framing: "none" | "length" | "chunked";
  readonly bodyBytes: number;
  readonly expects: boolean;
  readonly takesTrailers: boolean;
  readonly closes: boolean;
  readonly pieces: number; // in which it is sent
  readonly pauseMs: number; // between them
}

export interface Disturbance {
  readonly atMs: number;
  readonly kind: "refuse" | "open" | "blackhole" | "answer" | "crash" | "reload" | "jump";
  readonly origin: number;
}

export const ORIGIN_COUNT = 4;
export const BODY_BYTES_MAX = 100_000; // what the proxy under chaos lets pass

const ROUTES: readonly Route[] = ["plain", "retry", "retry", "replay", "once"];
const METHODS = ["GET", "GET", "GET", "HEAD", "POST", "PUT", "DELETE"];
const BODY_BYTES = [0, 1, 10, 100, 1_000, 5_000, 20_000, 70_000];
const DISTURBANCES: readonly Disturbance["kind"][] = [
  ...(["refuse", "open", "open", "blackhole", "answer", "answer"] as const),
  ...(["crash", "reload", "reload", "reload", "jump"] as const),
];

export function chaosPlan(seed: number): ChaosPlan {
  const random = new Seeded(seed);
  let number = 0;
  const clients = Array.from({ length: 1 + random.below(7) }, () =>
    clientPlan(random, () => number++),
  );
  const disturbances = Array.from({ length: random.below(12) }, () => ({
    atMs: random.below(1_500),
    kind: random.of(DISTURBANCES),
    origin: random.below(ORIGIN_COUNT),
  }));
  return {
    seed,
    network: {
      latencyMs: random.of([0.1, 0.1, 1, 10]),
      jitterMs: random.of([0, 0, 3, 150]),
      kernelBytes: random.of([1_500, 8_000, 128 * 1024, 128 * 1024]),
    },
    clients,
    disturbances,
    drainsAtMs: random.chance(4) ? 50 + random.below(1_500) : undefined,
  };
}

function clientPlan(random: Seeded, newNumber: () => number): ClientPlan {
  const pipelines = random.chance(4);
  const count = 1 + random.below(5);
  const requests = Array.from({ length: count }, (_, place) =>
    requestPlan(random, newNumber(), place === count - 1, pipelines),
  );
  return {
    startMs: random.below(1_000),
    requests,
    pipelines,
    thinkMs: random.of([0, 0, 1, 30, 300]),
    napMs: random.chance(6) ? random.of([5, 100, 3_000]) : 0,
    leaves: random.chance(4)
      ? { atMs: random.below(1_000), how: random.of(["finish", "close", "reset"] as const) }
      : undefined,
    closesWhenDone: random.chance(2),
  };
}

/** Only the last one on its connection may be of a kind that ends the connection. */
function requestPlan(
  random: Seeded,
  number: number,
  isLast: boolean,
  isPipelined: boolean,
): RequestPlan {
  const kind = kindOf(random, isLast);
  const method = kind === "socket" || kind === "bad" ? "GET" : random.of(METHODS);
  const mayHaveBody = kind === "good" && (method === "POST" || method === "PUT");
  const minorVersion = isLast && kind !== "socket" && random.chance(8) ? 0 : 1;
  const framings = minorVersion === 0 ? (["length"] as const) : (["length", "chunked"] as const);
  const isTooLarge = mayHaveBody && random.chance(40);
  return {
    number,
    kind,
    method,
    route: random.of(ROUTES),
    minorVersion,
    framing: mayHaveBody ? random.of(framings) : "none",
    bodyBytes: isTooLarge ? BODY_BYTES_MAX + 1 + random.below(5_000) : random.of(BODY_BYTES),
    expects: mayHaveBody && !isPipelined && minorVersion === 1 && random.chance(5),
    takesTrailers: minorVersion === 1 && random.chance(3),
    closes: isLast && kind !== "socket" && random.chance(4),
    // A HEAD that is late gets a page with a body, from a proxy that has not read its method.
    pieces: method === "HEAD" ? 1 : random.of([1, 1, 2, 5]),
    pauseMs: random.of([0, 1, 20, 400, 2_500]),
  };
}

function kindOf(random: Seeded, isLast: boolean): RequestPlan["kind"] {
  if (isLast && random.chance(12)) return "bad";
  if (isLast && random.chance(6)) return "socket";
  if (random.chance(15)) return "here";
  return random.chance(30) ? "nowhere" : "good";
}
