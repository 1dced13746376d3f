import assert from "node:assert/strict";
import { test } from "node:test";
import { SimWorld } from "../../../test/support/sim-world.ts";
import type { FaultCode } from "../../core/fault.ts";
import { type BanOptions, ClientBans } from "./bans.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const ANN = "203.0.113.7";

const OPTIONS: BanOptions = {
  threshold: 100,
  decayMs: 10 * MINUTE,
  banMs: 10 * MINUTE,
  maxMs: HOUR,
  forgetMs: 24 * HOUR,
  scores: { rate_limited: 10, request_malformed: 200, 404: 1 },
  exempt: ["10.0.0.0/8"],
  prefix: { ipv4: 32, ipv6: 64 },
  mode: "enforce",
  refuses: "connections",
};

class Stage {
  readonly world = new SimWorld();
  readonly reasons: string[] = [];
  readonly bans: ClientBans;
  readonly #memory = Object.fromEntries(
    Object.entries(ClientBans.byteLengths).map(([name, bytes]) => [
      name,
      new SharedArrayBuffer(bytes),
    ]),
  ) as Record<keyof typeof ClientBans.byteLengths, SharedArrayBuffer>;

  constructor(options: Partial<BanOptions> = {}) {
    this.bans = this.worker(options);
  }

  /** Another one of the same memory. */
  worker(options: Partial<BanOptions> = {}): ClientBans {
    return new ClientBans({ ...OPTIONS, ...options }, this.#memory, this.world, (reason) =>
      this.reasons.push(reason),
    );
  }

  score(times: number, code: FaultCode | "none" = "rate_limited", from = ANN, status = 429) {
    const given = code === "none" ? undefined : code;
    for (let index = 0; index < times; index++) this.bans.scored(from, given, status);
  }

  isBanned(address = ANN): boolean {
    return this.bans.remainingMs(address) > 0;
  }
}

test("bans: the threshold bans, one less does not", () => {
  const it = new Stage();

  it.score(9);
  const before = it.isBanned();
  it.score(1);

  assert.deepEqual([before, it.isBanned()], [false, true]);
  assert.equal(it.bans.remainingMs(ANN), 10 * MINUTE);
  assert.deepEqual(it.reasons, ["rate_limited"]);
  assert.deepEqual(it.bans.list, [
    { client: ANN, reason: "rate_limited", level: 1, remainingMs: 10 * MINUTE },
  ]);
});

test("bans: a score is forgotten with time, evenly", async () => {
  const it = new Stage();

  it.score(9);
  await it.world.clock.advance(MINUTE);
  it.score(1);
  const within = it.isBanned();
  await it.world.clock.advance(10 * MINUTE);
  it.score(9);

  assert.deepEqual([within, it.isBanned()], [false, false]);
});

test("bans: one event of more than the threshold is enough, and is called by its code", () => {
  const it = new Stage();

  it.score(1, "request_malformed", ANN, 400);

  assert.ok(it.isBanned());
  assert.deepEqual(it.reasons, ["request_malformed"]);
});

test("bans: a status scores where its code does not", () => {
  const it = new Stage();

  it.score(99, "no_route", ANN, 404);
  const before = it.isBanned();
  it.score(1, "none", ANN, 404);

  assert.deepEqual([before, it.isBanned()], [false, true]);
  assert.deepEqual(it.reasons, ["status"]);
});

test("bans: what has no score bans nobody", () => {
  const it = new Stage();

  it.score(10_000, "none", ANN, 200);
  it.score(10_000, "response_timeout", ANN, 504);
  it.score(10_000, "banned", ANN, 403);

  assert.ok(!it.isBanned());
});

test("bans: a ban ends, and each further one lasts twice as long, up to the most", async () => {
  const it = new Stage();
  const lasted: number[] = [];

  for (let round = 0; round < 5; round++) {
    it.score(10);
    lasted.push(Math.round(it.bans.remainingMs(ANN) / MINUTE));
    await it.world.clock.advance(it.bans.remainingMs(ANN));
    assert.ok(!it.isBanned());
  }

  assert.deepEqual(lasted, [10, 20, 40, 60, 60]);
});

test("bans: earlier bans are forgotten one by one", async () => {
  const it = new Stage();
  it.score(10);
  await it.world.clock.advance(10 * MINUTE);
  it.score(10);
  await it.world.clock.advance(48 * HOUR);

  it.score(10);

  assert.equal(it.bans.remainingMs(ANN), 10 * MINUTE);
});

test("bans: what was under way when somebody was banned adds nothing", () => {
  const it = new Stage();

  it.score(500);

  assert.equal(it.reasons.length, 1);
  assert.equal(it.bans.remainingMs(ANN), 10 * MINUTE);
});

test("bans: a /64 is one client, an IPv4 address is another", () => {
  const it = new Stage();

  it.score(5, "rate_limited", "2001:db8::1");
  it.score(5, "rate_limited", "2001:db8::2");

  assert.ok(it.isBanned("2001:db8::3"));
  assert.ok(!it.isBanned("2001:db8:0:1::1"));
  assert.ok(!it.isBanned());
  assert.equal(it.bans.list[0]!.client, "2001:db8::/64");
});

test("bans: who is exempt is neither counted nor kept out, nor is a unix socket", () => {
  const it = new Stage();
  it.score(10, "rate_limited", "192.0.2.1");

  it.score(1_000, "rate_limited", "10.1.2.3");
  it.score(1_000, "rate_limited", "unix");
  const later = it.worker({ exempt: ["192.0.2.0/24"] });

  assert.ok(!it.isBanned("10.1.2.3"));
  assert.ok(!it.isBanned("unix"));
  assert.ok(it.isBanned("192.0.2.1"));
  assert.equal(later.remainingMs("192.0.2.1"), 0, "a reload may exempt who is banned");
  assert.equal(it.bans.ban("10.1.2.3", HOUR), "is exempt (bans.exempt)");
});

test("bans: workers count together", () => {
  const it = new Stage();
  const other = it.worker();

  it.score(5);
  for (let index = 0; index < 5; index++) other.scored(ANN, "rate_limited", 429);

  assert.ok(it.isBanned());
  assert.ok(other.remainingMs(ANN) > 0);
});

test("bans: warn keeps nobody out, and tells whom it would", () => {
  const it = new Stage({ mode: "warn" });

  it.score(10);

  assert.ok(!it.isBanned());
  assert.deepEqual(it.bans.list, []);
  assert.deepEqual(it.reasons, ["rate_limited"]);
  assert.equal(it.world.lines[0]!.message, "client would be banned");
});

test("bans: an operator bans and lifts, which forgets all that was counted", () => {
  const it = new Stage();

  assert.equal(it.bans.ban("192.0.2.1", HOUR), undefined);
  assert.equal(it.bans.remainingMs("192.0.2.1"), HOUR);
  assert.equal(it.bans.list[0]!.reason, "operator");
  assert.equal(it.bans.lift("192.0.2.1"), true);
  assert.equal(it.bans.lift("192.0.2.1"), false);
  assert.equal(it.bans.remainingMs("192.0.2.1"), 0);
  assert.deepEqual(it.bans.list, []);

  it.score(9);
  it.bans.lift(ANN);
  it.score(9);
  assert.ok(!it.isBanned());
});

test("bans: a network of the list is lifted as it stands there", () => {
  const it = new Stage();
  it.score(10, "rate_limited", "2001:db8::1");

  assert.equal(it.bans.lift("2001:db8::/64"), true);
  assert.ok(!it.isBanned("2001:db8::1"));
});

test("bans: a flood from many addresses fills neither memory nor log", async () => {
  const it = new Stage();
  for (let index = 0; index < 20_000; index++) {
    it.score(
      1,
      "request_malformed",
      `172.${16 + (index >> 16)}.${(index >> 8) & 255}.${index & 255}`,
    );
  }
  await it.world.clock.advance(MINUTE);
  it.score(1, "request_malformed", "192.0.2.1");

  assert.equal(it.reasons.length, 20_001);
  assert.equal(it.bans.list.length, 4_096);
  assert.ok(it.isBanned("192.0.2.1"), "one that is not in the list is banned all the same");
  assert.equal(it.world.lines.length, 62);
  assert.deepEqual(it.world.lines[60]!.fields, { count: 19_940 });
});
