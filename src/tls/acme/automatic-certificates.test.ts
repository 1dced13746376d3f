import assert from "node:assert/strict";
import { test } from "node:test";
import {
  authorityOf,
  DAY_MS,
  HOUR_MS,
  MINUTE_MS,
  SimAcme,
} from "../../../test/support/sim-keeper.ts";
import type { WebAnswer } from "../../base/world.ts";
import type { AcmeSettings } from "./acme-settings.ts";
import { AutomaticCertificates, type CertificateNeeds } from "./automatic-certificates.ts";

function stage(seed = 1) {
  const sim = new SimAcme(seed);
  const settings: AcmeSettings = {
    storage: "state",
    authorities: [authorityOf(sim.ca)],
    challenges: ["http-01"],
    keyType: "p256",
    mustStaple: false,
    dns: undefined,
    onDemand: undefined,
    isSelfSignedMeanwhile: false,
  };
  let changes = 0;
  const make = () =>
    new AutomaticCertificates({
      world: sim.world,
      openStorage: () => sim.storage,
      changed: () => changes++,
      counted: () => {},
    });
  const automatic = make();
  const needs = (
    automaticNames: readonly string[],
    more: Partial<AcmeSettings> = {},
  ): CertificateNeeds => ({
    acme: { ...settings, ...more },
    automatic: automaticNames,
    internal: [],
  });
  /** As a reload does it. */
  const take = async (wanted: CertificateNeeds | undefined, which = automatic) => {
    const taken = which.take(wanted);
    await sim.pass(10);
    await taken;
    which.begin();
    await sim.pass(MINUTE_MS);
  };
  const names = () => automatic.certificates.map(({ names: each }) => each[0]).toSorted();
  return { sim, automatic, needs, take, names, make, changes: () => changes };
}

test("AutomaticCertificates: names come and go with configs, and nobody else is disturbed", async () => {
  const { sim, needs, take, names, automatic } = stage();
  await take(needs(["a.test", "b.test"]));
  const before = automatic.certificates.find(({ names: [name] }) => name === "a.test");

  await take(needs(["a.test", "c.test"]));

  assert.deepEqual(names(), ["a.test", "c.test"]);
  assert.equal(
    automatic.certificates.find(({ names: [name] }) => name === "a.test"),
    before,
  );
  assert.equal(sim.ca.orders.length, 3);
  await take(undefined);
  assert.deepEqual(names(), []);
});

test("AutomaticCertificates: with other settings what is served is served on", async () => {
  const { sim, needs, take, automatic } = stage();
  await take(needs(["a.test"]));
  const [before] = automatic.certificates;
  sim.storage.files.clear(); // as another folder would be

  const taken = automatic.take(needs(["a.test"], { storage: "other" }));
  const meanwhile = automatic.certificates;
  await sim.pass(10);
  await taken;

  assert.deepEqual(meanwhile, [before]);
  assert.deepEqual(automatic.certificates, [before]);
});

test("AutomaticCertificates: what its CA has revoked is replaced, and nothing else", async () => {
  const { sim, needs, take, automatic } = stage();
  await take(needs(["a.test", "b.test"]));
  await sim.pass(2 * HOUR_MS);
  const idOf = (wanted: string) =>
    automatic.certificates.find(({ names: [name] }) => name === wanted)?.id;
  const [before, other] = [idOf("a.test"), idOf("b.test")];

  automatic.replace(({ id }) => id === before);
  await sim.pass(MINUTE_MS);

  assert.equal(sim.ca.orders.length, 3);
  assert.notEqual(idOf("a.test"), before);
  assert.equal(idOf("b.test"), other);
  await sim.pass(20 * DAY_MS);
  assert.equal(sim.ca.orders.length, 3);
});

test("AutomaticCertificates: nothing is ordered before somebody listens", async () => {
  const { sim, needs, automatic } = stage();
  const taken = automatic.take(needs(["a.test"]));
  await sim.pass(HOUR_MS);
  await taken;
  assert.equal(sim.ca.requests.length, 0);

  automatic.begin();
  await sim.pass(MINUTE_MS);

  assert.equal(sim.ca.orders.length, 1);
});

test("AutomaticCertificates: a storage that hangs holds up no start", async () => {
  const { sim, needs, automatic } = stage();
  sim.storage.read = () => new Promise(() => {});
  let isTaken = false;
  void automatic.take(needs(["a.test"])).then(() => {
    isTaken = true;
  });

  await sim.pass(4_000);

  assert.equal(isTaken, true);
});

test("AutomaticCertificates: two hundred names are ordered eight at a time, and each once", async () => {
  const { sim, needs, take } = stage();
  const names = Array.from({ length: 200 }, (_, index) => `n${index}.test`);
  let most = 0;
  sim.ca.looks = () => {
    most = Math.max(most, sim.ca.orders.filter(({ status }) => status === "pending").length);
    return true;
  };

  await take(needs(names));
  await sim.pass(10 * MINUTE_MS);

  assert.equal(sim.ca.orders.length, 200);
  assert.equal(new Set(sim.ca.orders.map(({ names: [name] }) => name)).size, 200);
  assert.ok(most <= 8, `${most} at once`);
});

test("AutomaticCertificates: with the CA down, a hundred names knock on it now and then, and not each", async () => {
  const { sim, needs, take, names } = stage();
  sim.ca.isDown = true;
  let knocks = 0;
  sim.world.web.servers.set("ca.test", (question) => {
    knocks++;
    return sim.ca.answer(question);
  });
  await take(needs(Array.from({ length: 100 }, (_, index) => `n${index}.test`)));

  await sim.pass(DAY_MS);
  const inADay = knocks;
  sim.ca.isDown = false;
  await sim.pass(3 * HOUR_MS);

  assert.ok(inADay < 24 * 60 * 8, `${inADay} knocks in a day`);
  assert.equal(names().length, 100);
});

test("AutomaticCertificates: self-signed until there is one, where that is wanted", async () => {
  const { sim, needs, take, automatic } = stage();
  sim.ca.isDown = true;
  await take(needs(["a.test"], { isSelfSignedMeanwhile: true }));
  assert.deepEqual(
    automatic.certificates.map(({ issuer }) => issuer),
    ["itself"],
  );

  sim.ca.isDown = false;
  await sim.pass(HOUR_MS);

  assert.deepEqual(
    automatic.certificates.map(({ issuer }) => issuer),
    ["ca.test"],
  );
});

const onDemand = { ask: "http://ask.test/?a=b", perMinute: 3, namesMax: 2 };
const answering = (status: number): WebAnswer => ({
  status,
  headers: new Map(),
  body: Buffer.alloc(0),
});

test("AutomaticCertificates: on demand a name waits for its certificate, and gets none without a yes", async () => {
  const { sim, needs, take, automatic } = stage();
  const asked: string[] = [];
  sim.world.web.servers.set("ask.test", ({ url }) => {
    asked.push(url);
    return answering(url.includes("good") ? 200 : 403);
  });
  await take(needs([], { onDemand }));

  const good = Promise.all([automatic.demand("good.test"), automatic.demand("good.test")]);
  const bad = automatic.demand("bad.test");
  await sim.pass(10_000);

  assert.deepEqual(
    (await good).map((each) => each?.names),
    [["good.test"], ["good.test"]],
  );
  assert.equal(await bad, undefined);
  assert.equal(sim.ca.orders.length, 1);
  assert.equal(asked[0], "http://ask.test/?a=b&domain=good.test");
});

test("AutomaticCertificates: on demand there are no more names than are kept, and no more questions", async () => {
  const { sim, needs, take, automatic } = stage();
  let asked = 0;
  sim.world.web.servers.set("ask.test", () => {
    asked++;
    return answering(200);
  });
  await take(needs([], { onDemand }));

  const answers = Promise.all(
    ["a.test", "b.test", "c.test", "d.test"].map((each) => automatic.demand(each)),
  );
  await sim.pass(MINUTE_MS);

  assert.ok(asked <= 3, `${asked} questions`);
  assert.ok((await answers).filter((each) => each !== undefined).length <= 2);
  await sim.pass(MINUTE_MS);
  assert.equal(await automatic.demand("e.test"), undefined);
});

test("AutomaticCertificates: on demand, names that cannot be proven leave room for others", async () => {
  const { sim, needs, take, automatic } = stage();
  sim.world.web.servers.set("ask.test", () => answering(200));
  sim.ca.looks = ({ name }) => name === "c.test";
  await take(needs([], { onDemand }));

  const bad = Promise.all(["a.test", "b.test"].map((each) => automatic.demand(each)));
  await sim.pass(MINUTE_MS);
  const good = automatic.demand("c.test");
  await sim.pass(MINUTE_MS);

  assert.deepEqual(await bad, [undefined, undefined]);
  assert.deepEqual((await good)?.names, ["c.test"]);
  assert.equal(sim.ca.orders.length, 3);
});

test("AutomaticCertificates: on demand, the endpoint is asked again when one is to be renewed", async () => {
  const { sim, needs, take, automatic, names } = stage();
  let status = 200;
  const asked: string[] = [];
  sim.world.web.servers.set("ask.test", ({ url }) => {
    asked.push(new URL(url).searchParams.get("domain")!);
    return answering(status);
  });
  await take(needs([], { onDemand }));
  const first = automatic.demand("a.test");
  await sim.pass(MINUTE_MS);
  assert.ok((await first) !== undefined);

  status = 503; // says nothing: it is served on, and asked for later
  await sim.pass(61 * DAY_MS);
  const meanwhile = [sim.ca.orders.length, names().join()];
  status = 200;
  await sim.pass(DAY_MS);
  const renewed = [sim.ca.orders.length, names().join()];
  status = 404;
  await sim.pass(61 * DAY_MS);

  assert.deepEqual(meanwhile, [1, "a.test"]);
  assert.deepEqual(renewed, [2, "a.test"]);
  assert.deepEqual([sim.ca.orders.length, names().join()], [2, ""]);
  assert.ok(asked.every((name) => name === "a.test"));
  status = 200; // and back again: what is stored still holds
  const again = automatic.demand("a.test");
  await sim.pass(MINUTE_MS);
  assert.deepEqual((await again)?.names, ["a.test"]);
});

test("AutomaticCertificates: on demand, an endpoint that hangs is no yes", async () => {
  const { sim, needs, take, automatic } = stage();
  sim.world.web.servers.set("ask.test", () => new Promise(() => {}));
  await take(needs([], { onDemand }));

  const answer = automatic.demand("a.test");
  await sim.pass(10_000);

  assert.equal(await answer, undefined);
});
