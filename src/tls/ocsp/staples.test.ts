import assert from "node:assert/strict";
import { test } from "node:test";
import {
  type AnswerOptions,
  type Leaf,
  type LeafOptions,
  SimResponder,
} from "../../../test/support/ocsp.ts";
import { SimWorld } from "../../../test/support/sim-world.ts";
import type { WebAnswer } from "../../base/world.ts";
import { Certificates } from "../../core/certificates.ts";
import { certificateKey, writeStatusRequest } from "../../protocol/ocsp/certificate-key.ts";
import { Staples } from "./staples.ts";
import { staplingForecast, staplingWarnings } from "./stapling-warnings.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 86_400_000;
const URL_OF_RESPONDER = "http://ocsp.test/at";

type Say = () => Partial<WebAnswer> | Promise<Partial<WebAnswer>>;

function stage(more: LeafOptions = {}) {
  const world = new SimWorld();
  const { clock } = world;
  const responder = new SimResponder(clock.wallMs());
  const leaf = responder.leaf({ responder: URL_OF_RESPONDER, ...more });
  const certificates = new Certificates();
  const revoked: string[] = [];
  const asked: { readonly url: string; readonly atMs: number }[] = [];
  const staples = new Staples(world, certificates, (id) => revoked.push(id));
  let say: Say = () => ({});
  world.web.servers.set("ocsp.test", async ({ url }) => {
    asked.push({ url, atMs: clock.wallMs() });
    return { status: 200, headers: new Map(), body: Buffer.alloc(0), ...(await say()) };
  });
  const set = ({ chain, key }: Leaf = leaf, id = "a") =>
    certificates.set({ id, names: ["a.test"], cert: chain, key });
  return {
    ...{ world, clock, responder, leaf, certificates, revoked, asked, staples, set },
    says: (next: Say) => {
      say = next;
    },
    answers: (options?: AnswerOptions) => {
      say = () => ({ body: responder.answer(leaf, { thisUpdateMs: clock.wallMs(), ...options }) });
    },
    staple: () => certificates.stapleOf("a"),
    problem: () => staples.statusOf("a")?.problem,
    outcomes: () => staples.counts.map(({ outcome, count }) => `${outcome} ${count}`).join(),
  };
}

test("Staples: an answer is asked for as RFC 6960 has it, and is stapled", async () => {
  const { says, staples, set, clock, staple, asked, leaf, responder } = stage();
  const said = new Uint8Array(responder.answer(leaf));
  says(() => ({ body: said }));
  staples.take(true);

  set();
  await clock.advance(MINUTE_MS);

  const question = writeStatusRequest(certificateKey(leaf.der, responder.issuer.der)!);
  const path = encodeURIComponent(question.toString("base64"));
  assert.deepEqual(
    asked.map(({ url }) => url),
    [`${URL_OF_RESPONDER}/${path}`],
  );
  assert.deepEqual(staple(), said);
  assert.equal(staples.statusOf("a")?.state, "stapled");
});

test("Staples: asks anew at half of an answer's life", async () => {
  const { answers, staples, set, clock, asked } = stage();
  answers();
  staples.take(true);
  set();

  await clock.advance(13 * DAY_MS);

  const days = asked.map(({ atMs }) => (atMs - asked[0]!.atMs) / DAY_MS);
  assert.equal(days.length, 4);
  for (const [index, day] of days.entries()) {
    assert.ok(Math.abs(day - index * 3.5) <= 0.4 * index, `${day} days`); // 5 % of a week each
  }
  assert.ok(new Set(days.slice(1).map((day, index) => (day - days[index]!).toFixed(3))).size > 1);
});

test("Staples: a responder that fails is asked later and later; the last answer is kept until it ends", async () => {
  const { answers, says, staples, set, clock, asked, staple, problem, outcomes } = stage();
  answers();
  staples.take(true);
  set();
  await clock.advance(3 * DAY_MS);
  says(() => ({ status: 503 }));

  await clock.advance(4 * DAY_MS - HOUR_MS);
  const before = [staple() !== undefined, problem()];
  await clock.advance(2 * HOUR_MS);

  assert.deepEqual(before, [true, "it answers 503"]);
  assert.equal(staple(), undefined);
  assert.equal(staples.statusOf("a")?.state, "failing");
  const gaps = asked.slice(1).map(({ atMs }, index) => (atMs - asked[index]!.atMs) / MINUTE_MS);
  assert.ok(gaps[1]! < 1.3 && gaps.slice(8).every((gap) => gap > 47 && gap < 73), `${gaps}`);
  answers();
  await clock.advance(2 * HOUR_MS);
  assert.ok(staple() !== undefined);
  assert.match(outcomes(), /^good 2,unreachable \d+$/);
});

// biome-ignore format: a table
const bad: [name: string, say: (at: ReturnType<typeof stage>) => Say, why: string, outcome: string][] = [
  ["garbage",                ()   => () => ({ body: Buffer.from("<html>no</html>") }), "it is malformed", "refused"],
  ["far too much",           ()   => () => ({ body: Buffer.alloc(65 * 1024, 0x30) }), "the answer is too long", "unreachable"],
  ["another signer",         (at) => () => ({ body: at.responder.answer(at.leaf, { by: "stranger" }) }), "who signed it may not answer for the issuer", "refused"],
  ["an answer of last week", (at) => () => ({ body: at.responder.answer(at.leaf, { thisUpdateMs: at.clock.wallMs() - 8 * DAY_MS }) }), "it has expired", "refused"],
  ["a replayed older one",   (at) => () => ({ body: at.responder.answer(at.leaf, { thisUpdateMs: Date.UTC(2029, 11, 31) }) }), "there was a newer one", "refused"],
  ["unknown",                (at) => () => ({ body: at.responder.answer(at.leaf, { status: "unknown" , thisUpdateMs: at.clock.wallMs() }) }), "the responder does not know the certificate", "refused"],
  ["a redirect inside (SSRF)", () => () => ({ status: 302, headers: new Map([["location", "http://169.254.169.254/"]]) }), "it answers 302", "unreachable"],
  ["no answer in time",      ()   => () => new Promise(() => {}), "no answer within 10 s", "unreachable"],
];

for (const [name, say, why, outcome] of bad) {
  test(`Staples: ${name} changes nothing for clients`, async () => {
    const at = stage();
    at.answers();
    at.staples.take(true);
    at.set();
    await at.clock.advance(3 * DAY_MS);
    const before = at.staple();
    const inside: string[] = [];
    at.world.web.servers.set("169.254.169.254", ({ url }) => {
      inside.push(url);
      throw new Error("nobody may come here");
    });

    at.says(say(at));
    await at.clock.advance(DAY_MS);

    assert.ok(before !== undefined);
    assert.equal(at.staple(), before);
    assert.equal(at.problem(), why);
    assert.match(at.outcomes(), new RegExp(`^good 1,${outcome} \\d+$`));
    assert.deepEqual(inside, []);
  });
}

test("Staples: a revoked certificate is told of once, and has nothing stapled", async () => {
  const { answers, staples, set, clock, staple, revoked, certificates } = stage();
  answers();
  staples.take(true);
  set();
  await clock.advance(DAY_MS);

  answers({ status: "revoked" });
  await clock.advance(5 * DAY_MS);

  assert.equal(staple(), undefined);
  assert.deepEqual(revoked, ["a"]);
  assert.deepEqual(staplingWarnings(certificates.find("a")!, staples.statusOf("a")), [
    "its CA has revoked it",
  ]);
});

test("Staples: another certificate in its place has not the staple of the one before", async () => {
  const { answers, says, staples, set, clock, staple, responder, asked } = stage();
  answers();
  staples.take(true);
  set();
  await clock.advance(MINUTE_MS);
  const next = responder.leaf({ responder: URL_OF_RESPONDER, serial: 9 });

  const said = new Uint8Array(responder.answer(next));
  says(() => ({ body: said }));
  set(next);
  const between = staple();
  await clock.advance(MINUTE_MS);

  assert.equal(between, undefined);
  assert.deepEqual(staple(), said);
  assert.equal(asked.length, 2);
  assert.notEqual(asked[0]!.url, asked[1]!.url);
});

test("Staples: the same certificate, read again, keeps what is stapled to it", async () => {
  const { answers, staples, set, clock, staple, asked } = stage();
  answers();
  staples.take(true);
  set();
  await clock.advance(MINUTE_MS);
  const before = staple();

  set();
  await clock.advance(MINUTE_MS);

  assert.ok(before !== undefined);
  assert.deepEqual([staple(), asked.length], [before, 1]);
});

test("Staples: an answer that comes when its certificate is gone is for nobody", async () => {
  const { says, staples, set, clock, certificates, responder, leaf, revoked } = stage();
  const late = Promise.withResolvers<Partial<WebAnswer>>();
  says(() => late.promise);
  staples.take(true);
  set();
  await clock.advance(1_000);

  certificates.delete("a");
  late.resolve({ body: responder.answer(leaf, { status: "revoked" }) });
  await clock.advance(HOUR_MS);

  assert.deepEqual([certificates.stapleOf("a"), revoked], [undefined, []]);
});

test("Staples: switched off it asks nobody, and staples nothing", async () => {
  const { answers, staples, set, clock, staple, asked } = stage();
  answers();
  set();
  await clock.advance(DAY_MS);
  const off = asked.length;
  staples.take(true);
  await clock.advance(MINUTE_MS);
  const on = staple() !== undefined;

  staples.take(false);
  await clock.advance(30 * DAY_MS);

  assert.deepEqual([off, on, staple(), asked.length], [0, true, undefined, 1]);
});

test("Staples: a start waits for what must be stapled, for three seconds at most", async () => {
  const { says, staples, set, clock, responder, leaf } = stage({ mustStaple: true });
  const slow = Promise.withResolvers<Partial<WebAnswer>>();
  says(() => slow.promise);
  staples.take(true);
  set();
  let isStarted = false;
  const first = staples.first().then(() => {
    isStarted = true;
  });

  await clock.advance(2_900);
  const early = isStarted;
  await clock.advance(200);
  await first;

  assert.equal(early, false);
  slow.resolve({ body: responder.answer(leaf) });
  await clock.advance(MINUTE_MS);
  await staples.first();
});

test("stapling warnings: a certificate that must be stapled and is not says why", async () => {
  const { says, staples, set, clock, certificates, leaf } = stage({ mustStaple: true });
  says(() => ({ status: 500 }));
  staples.take(true);
  set();
  const entry = certificates.find("a")!;
  const must = "clients want it with a stapled OCSP answer (must-staple)";

  await clock.advance(MINUTE_MS);

  assert.deepEqual(staplingWarnings(entry, staples.statusOf("a")), [
    `${must}, and there is none: it answers 500`,
  ]);
  assert.deepEqual(staplingForecast(entry, true), []);
  assert.deepEqual(staplingForecast(entry, false), [
    `${must}, and none is to be had: tls.ocsp is off`,
  ]);
  const alone = { ...entry, cert: leaf.chain.slice(0, leaf.chain.indexOf("-----END") + 26) };
  assert.deepEqual(staplingForecast(alone, true), [
    `${must}, and none is to be had: the certificate of who signed it is missing behind it`,
  ]);
});

test("Certificates: a worker keeps what it made of a certificate when its staple changes", () => {
  const { certificates, set } = stage();
  const worker = new Certificates();
  set();
  worker.learn(structuredClone(certificates.changesOf()));
  const before = worker.find("a");

  certificates.staple("a", new Uint8Array([1]));
  worker.learn(structuredClone(certificates.changesOf(["a"])));
  const stapled = [worker.find("a") === before, worker.stapleOf("a")];
  certificates.staple("a", undefined);
  worker.learn(structuredClone(certificates.changesOf(["a"])));

  assert.deepEqual(stapled, [true, new Uint8Array([1])]);
  assert.equal(worker.stapleOf("a"), undefined);
});
