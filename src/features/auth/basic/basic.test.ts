import assert from "node:assert/strict";
import { after, test } from "node:test";
import { NO_TOOLS } from "../../../../test/support/build-tools.ts";
import { exchangeOf, requestOf, routeNamed } from "../../../../test/support/exchange-of.ts";
import { SimClock } from "../../../../test/support/sim-clock.ts";
import type { Exchange } from "../../../core/exchange.ts";
import type { Reply } from "../../../core/filter.ts";
import { auth } from "../auth.ts";

const PASSWORD = "grüße 1:2";
const BCRYPT = "$2y$05$INXZvhTJKIHInSJP9mnTUuWCeLd2tgRqg15/Yvf4Ntdbck4MNqJTC";
const SCRYPT =
  "$scrypt$ln=12,r=8,p=2$MDEyMzQ1Njc4OWFiY2RlZg$xZdLXvvJwTpwXs4zUJl9rQM1HMWPeNmcp1PHcd0N0iI";

const kept: unknown[] = [];
after(() => {
  for (const thing of kept) (thing as Partial<Disposable>)[Symbol.dispose]?.();
});

function filterOf(basic: object, more: object = {}) {
  const clock = new SimClock();
  const things = new Map<string, unknown>();
  const tools = {
    machine: NO_TOOLS.machine,
    place: NO_TOOLS.place,
    world: { clock, log: { info: () => {}, warn: () => {} } },
    keepForAll: <T>(key: string, make: () => T): T => {
      if (!things.has(key)) {
        things.set(key, make());
        kept.push(things.get(key));
      }
      return things.get(key) as T;
    },
  };
  const options = auth.schema.parse({ basic, ...more });
  return { clock, filter: auth.build(options, tools as unknown as typeof NO_TOOLS) };
}

type Filter = ReturnType<typeof filterOf>["filter"];

interface Outcome {
  readonly exchange: Exchange;
  readonly reply: Reply | undefined;
  readonly waited: boolean;
}

async function ask(
  filter: Filter,
  credentials: string | undefined,
  clientIp = "192.0.2.7",
): Promise<Outcome> {
  const field = credentials && `Basic ${Buffer.from(credentials).toString("base64")}`;
  const request = requestOf("GET /", field === undefined ? {} : { authorization: field });
  const exchange = exchangeOf({ request, clientIp, route: routeNamed("r") });
  Object.assign(exchange.route!, { errors: exchange.listener.errors });
  const step = filter.admit!(exchange);
  return { exchange, reply: await step, waited: step instanceof Promise };
}

function told({ exchange, reply }: Outcome): string {
  return reply === undefined
    ? String(exchange.identity?.name)
    : `${reply.status} ${String(reply.body)}`;
}

const USERS = { users: { alice: BCRYPT, bob: { hash: SCRYPT, claims: { role: "admin" } } } };

// biome-ignore format: a table
const cases: [name: string, credentials: string | undefined, want: string][] = [
  ["the password",            `alice:${PASSWORD}`,   "alice"],
  ["of another kind",         `bob:${PASSWORD}`,     "bob"],
  ["a wrong one",             "alice:wrong",         "401 auth_failed"],
  ["none",                    "alice:",              "401 auth_failed"],
  ["a name that is nobody's", `mallory:${PASSWORD}`, "401 auth_failed"],
  ["a name of every object",  `__proto__:${PASSWORD}`, "401 auth_failed"],
  ["the name in capitals",    `ALICE:${PASSWORD}`,   "401 auth_failed"],
  ["nothing",                 undefined,             "401 auth_required"],
];

for (const [name, credentials, want] of cases) {
  test(`basic: ${name}`, async () => {
    const { filter } = filterOf(USERS);

    const outcome = await ask(filter, credentials);

    assert.equal(told(outcome), want);
    assert.equal(outcome.exchange.request.headers.get("authorization"), undefined);
    const challenge = outcome.reply?.headers?.["www-authenticate"];
    if (outcome.reply !== undefined)
      assert.equal(challenge, 'Basic realm="restricted", charset="UTF-8"');
  });
}

test("basic: a password that was right is not hashed again, for a while", async () => {
  const { filter, clock } = filterOf({ ...USERS, remember: "10s" });
  const waits = async () => (await ask(filter, `alice:${PASSWORD}`)).waited;

  const first = await waits();
  const second = await waits();
  await clock.advance(10_000);
  const third = await waits();

  assert.deepEqual([first, second, third], [true, false, true]);
});

test("basic: a wrong password is never remembered, nor is a name without a user", async () => {
  const { filter } = filterOf(USERS);

  for (const credentials of ["alice:wrong", `nobody:${PASSWORD}`]) {
    await ask(filter, credentials);
    const again = await ask(filter, credentials);
    assert.deepEqual([told(again), again.waited], ["401 auth_failed", true]);
  }
});

test("basic: who guesses waits, and is not hashed for; who was right before is not in the way", async () => {
  const { filter } = filterOf(USERS, { guard: { perAddress: 3, within: "60s" } });
  await ask(filter, `alice:${PASSWORD}`);
  for (let count = 0; count < 3; count++) await ask(filter, "bob:wrong");

  const more = await ask(filter, "bob:wrong again");
  const right = await ask(filter, `bob:${PASSWORD}`);

  assert.deepEqual([told(more), more.waited], ["429 auth_limited", false]);
  assert.ok(Number(more.reply?.headers?.["retry-after"]) > 0);
  assert.equal(told(right), "429 auth_limited", "else a guess that is right would pass");
  assert.equal(told(await ask(filter, `alice:${PASSWORD}`)), "alice", "checked before");
  assert.equal(told(await ask(filter, `bob:${PASSWORD}`, "192.0.2.8")), "bob", "from elsewhere");
});

test("basic: a flood of passwords fills the line, and is told so at once (A6)", async () => {
  const { filter } = filterOf(USERS, { guard: "off" });

  const outcomes = await Promise.all(
    Array.from({ length: 100 }, (_, number) => ask(filter, `alice:guess-${number}`)),
  );

  const codes = outcomes.map(told);
  assert.equal(codes.filter((code) => code === "401 auth_failed").length, 64);
  assert.equal(codes.filter((code) => code === "503 auth_unavailable").length, 36);
  const busy = outcomes.find(({ reply }) => reply?.status === 503)!;
  assert.equal(busy.reply!.headers!["retry-after"], "1");
  assert.equal(told(await ask(filter, `alice:${PASSWORD}`)), "alice", "and afterwards it goes on");
});

test("basic: many requests at once with one password pay for one hash", async () => {
  const { filter } = filterOf(USERS);

  const outcomes = await Promise.all(
    Array.from({ length: 100 }, () => ask(filter, `alice:${PASSWORD}`)),
  );

  assert.deepEqual(new Set(outcomes.map(told)), new Set(["alice"]));
});

test("basic: passed on if the config says so", async () => {
  const { filter } = filterOf({ ...USERS, passOn: true });

  const { exchange } = await ask(filter, `alice:${PASSWORD}`);

  assert.ok(exchange.request.headers.has("authorization"));
});
