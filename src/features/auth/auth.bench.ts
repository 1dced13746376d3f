/**
 * What a request pays for auth, in processor time: `node src/features/auth/auth.bench.ts`. Methods that
 * ask nobody; for tokens and authorizers there are benches of their own.
 */
import { NO_TOOLS } from "../../../test/support/build-tools.ts";
import { exchangeOf, requestOf, routeNamed } from "../../../test/support/exchange-of.ts";
import { SystemClock } from "../../base/system-clock.ts";
import { auth } from "./auth.ts";
import { makeHash } from "./basic/make-hash.ts";
import { signQuery } from "./hmac/signed-url.ts";

const ROUNDS = 7;
const STEPS = 50_000;
const KEY = "correct-horse-battery-staple";
const clock = new SystemClock();
const headers = { "X-User": "{identity}" };

const things = new Map<string, unknown>();
const tools = {
  machine: NO_TOOLS.machine,
  place: NO_TOOLS.place,
  world: { clock, log: { info: () => {}, warn: () => {} } },
  keepForAll: <T>(key: string, make: () => T): T => {
    if (!things.has(key)) things.set(key, make());
    return things.get(key) as T;
  },
} as unknown as typeof NO_TOOLS;

const basic = `Basic ${Buffer.from(`alice:${KEY}`).toString("base64")}`;
const url = { host: "a.test", path: "/a", query: "" };
const claim = { keyId: "k1", expires: Math.floor(clock.wallMs() / 1000) + 3600, prefix: undefined };
const query = signQuery(url, claim, KEY);

const cases: readonly (readonly [
  name: string,
  options: object,
  target: string,
  field: Record<string, string>,
])[] = [
  ["apiKey", { apiKey: { keys: [{ name: "a", key: KEY }] } }, "/a", { "x-api-key": KEY }],
  [
    "basic, remembered",
    { basic: { users: { alice: makeHash(KEY, "scrypt") } } },
    "/a",
    { authorization: basic },
  ],
  ["hmac, a URL", { hmac: { keys: [{ id: "k1", secret: KEY }], url: true } }, `/a?${query}`, {}],
];

for (const [name, options, target, field] of cases) {
  const filter = auth.build(auth.schema.parse({ ...options, headers }), tools);
  const fields = { accept: "*/*", "user-agent": "bench", "accept-language": "de", ...field };
  const exchange = () =>
    exchangeOf({ request: requestOf(`GET ${target}`, fields), route: routeNamed("r") });
  await filter.admit!(exchange());
  let bestMs = Number.POSITIVE_INFINITY;
  for (let round = 0; round < ROUNDS; round++) {
    const exchanges = Array.from({ length: STEPS }, exchange);
    const before = process.cpuUsage();
    for (const each of exchanges) {
      if (filter.admit!(each) !== undefined) throw new Error(`${name} refuses`);
    }
    const { user, system } = process.cpuUsage(before);
    bestMs = Math.min(bestMs, (user + system) / 1000);
  }
  process.stdout.write(`${name}: ${((bestMs * 1000) / STEPS).toFixed(1)} us\n`);
}
