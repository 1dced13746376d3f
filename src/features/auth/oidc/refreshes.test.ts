import assert from "node:assert/strict";
import { test } from "node:test";
import { SimClock } from "../../../../test/support/sim-clock.ts";
import { RefreshMarks } from "./refresh-marks.ts";
import { type Refreshed, Refreshes } from "./refreshes.ts";
import type { Session } from "./session.ts";

const clock = new SimClock();
const nowS = () => Math.floor(clock.wallMs() / 1000);

function sessionAt(refreshS: number, version = 0): Session {
  const tokens = { idToken: "", more: undefined, refreshToken: "r", accessToken: undefined };
  return { id: "s", version, begunS: 0, seenS: 0, refreshS, ...tokens };
}

/** Two workers that share their marks, and a provider that takes a second to answer. */
function stage() {
  const memory = new SharedArrayBuffer(RefreshMarks.byteLength);
  const [one, other] = [0, 1].map(() => new Refreshes(clock, new RefreshMarks(memory)));
  const provider = {
    asked: 0,
    says: (old: Session): Refreshed => ({
      kind: "new",
      session: sessionAt(nowS() + 900, old.version + 1),
    }),
  };
  const refresh = async (old: Session) => {
    provider.asked++;
    await new Promise<void>((resolve) => clock.after(1_000, resolve));
    return provider.says(old);
  };
  const kindOf = async (refreshes: Refreshes, session: Session) => {
    const step = refreshes.of(session, refresh);
    await clock.advance(2_000);
    return (await step)?.kind;
  };
  return { one: one!, other: other!, provider, refresh, kindOf };
}

test("Refreshes: a session that is not due wants nothing, nor one that cannot be refreshed", async () => {
  const { one, provider, kindOf } = stage();

  assert.equal(await kindOf(one, sessionAt(nowS() + 100)), undefined);
  assert.equal(await kindOf(one, sessionAt(0)), undefined);
  assert.equal(provider.asked, 0);
});

test("Refreshes: of many requests at once one asks, and the others go on with what there is", async () => {
  const { one, other, provider, refresh } = stage();
  const session = sessionAt(nowS());

  const steps = [one, one, other, one, other].map((each) => each.of(session, refresh));
  await clock.advance(1_500);

  assert.equal(provider.asked, 1);
  assert.deepEqual(
    steps.map((step) => step === undefined),
    [false, true, true, true, true],
  );
  assert.equal((await steps[0])?.kind, "new");
});

test("Refreshes: who comes with the old cookie afterwards gets the new session, for a minute", async () => {
  const { one, other, provider, kindOf } = stage();
  const session = sessionAt(nowS());
  assert.equal(await kindOf(one, session), "new");

  assert.equal(await kindOf(one, session), "new");
  assert.equal(await kindOf(other, session), undefined, "another worker knows that it is done");
  assert.equal(provider.asked, 1, "a refresh token that comes twice is taken for a stolen one");
});

test("Refreshes: long after its time all wait for the one who asks", async () => {
  const { one, provider, refresh } = stage();
  const session = sessionAt(nowS() - 3_000);

  const steps = [one.of(session, refresh), one.of(session, refresh)];
  await clock.advance(1_500);
  const kinds = (await Promise.all(steps)).map((each) => each?.kind);

  assert.deepEqual(kinds, ["new", "new"]);
  assert.equal(provider.asked, 1);
});

test("Refreshes: while the provider is down it is asked every ten seconds, by whoever comes", async () => {
  const { one, other, provider, kindOf } = stage();
  const session = sessionAt(nowS());
  provider.says = () => ({ kind: "same" });

  assert.equal(await kindOf(one, session), "same");
  assert.equal(await kindOf(one, session), "same");
  assert.equal(provider.asked, 1);
  assert.equal(await kindOf(other, session), "same");
  assert.equal(provider.asked, 2);
  await clock.advance(10_000);
  assert.equal(await kindOf(one, session), "same");
  assert.equal(provider.asked, 3);
});

test("Refreshes: a refresh that fails as a bug can be tried again", async () => {
  const { one, kindOf } = stage();
  const step = one.of(sessionAt(nowS()), async () => {
    throw new Error("a bug");
  });

  await assert.rejects(async () => await step);
  await clock.advance(61_000);
  assert.equal(await kindOf(one, sessionAt(nowS() - 61)), "new");
});

test("RefreshMarks: a mark is one's own for a minute, and others have theirs", () => {
  const marks = new RefreshMarks(new SharedArrayBuffer(RefreshMarks.byteLength));

  assert.equal(marks.claim("a 0", 1_000), true);
  assert.equal(marks.claim("a 0", 1_059), false);
  assert.equal(marks.claim("b 0", 1_000), true);
  assert.equal(marks.claim("a 0", 1_060), true);
  marks.release("a 0");
  assert.equal(marks.claim("a 0", 1_061), true);
});

test("RefreshMarks: the year 2038 is a year like any other", () => {
  const marks = new RefreshMarks(new SharedArrayBuffer(RefreshMarks.byteLength));
  const late = 2 ** 31 - 10;

  assert.equal(marks.claim("a 0", late), true);
  assert.equal(marks.claim("a 0", late + 20), false);
  assert.equal(marks.claim("a 0", late + 60), true);
});
