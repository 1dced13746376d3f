/** Bytes that are no HTTP get a refusal or nothing, never a crash and never an origin's attention. */
import assert from "node:assert/strict";
import { firstStatus, forwardTo, GET, OK, scenario } from "../support/scenario.ts";
import { Seeded } from "../support/seeded.ts";

const SEED = 20_261_121;

scenario("noise: a thousand connections of random bytes are refused, one by one", async (it) => {
  const origin = await it.origin(OK);
  await it.proxy(forwardTo(origin.url));
  const random = new Seeded(SEED);

  for (let number = 0; number < 1_000; number++) {
    const bytes = Buffer.from(
      Array.from({ length: 1 + random.below(400) }, () => random.below(256)),
    );
    const client = await it.connect();
    client.send(bytes);
    client.halfClose();
    await client.readToEnd();
    const shown = `seed ${SEED}, connection ${number}: ${bytes.toString("hex")}`;
    if (client.text !== "") assert.ok([400, 505].includes(firstStatus(client.text)), shown);
    client.close();
  }

  assert.equal(origin.received.length, 0);
  assert.equal(firstStatus(await it.client(GET)), 200);
});

scenario("noise: random bytes behind a good request do not reach the origin", async (it) => {
  const origin = await it.origin(OK);
  await it.proxy(forwardTo(origin.url));
  const random = new Seeded(SEED);

  for (let number = 0; number < 200; number++) {
    const noise = Array.from({ length: 1 + random.below(200) }, () => random.below(256));
    const client = await it.connect();
    client.send(Buffer.concat([Buffer.from(GET), Buffer.from(noise)]));
    client.halfClose();
    await client.readToEnd();
    assert.equal(firstStatus(client.text), 200);
    client.close();
  }

  assert.ok(origin.received.every((each) => each.target === "/" && each.body === ""));
});

scenario("noise: an origin of random bytes is a 502, every time", async (it) => {
  const random = new Seeded(SEED);
  const origin = await it.origin(() => {
    const noise = Array.from({ length: 1 + random.below(300) }, () => random.below(256));
    return `${String.fromCharCode(...noise)}<hang up>`;
  });
  await it.proxy(forwardTo(origin.url));

  for (let number = 0; number < 300; number++) {
    assert.equal(firstStatus(await it.client(GET)), 502);
  }
});
