/** Limits hold for all workers as if there were one, for every protocol, and over a reload. */
import assert from "node:assert/strict";
import {
  faultOf,
  firstStatus,
  forwardTo,
  GET,
  OK,
  type Scenario,
  scenario,
} from "../support/scenario.ts";

/** Over connections of their own, so that every worker has some; how many passed. */
async function passed(it: Scenario, connections: number, each: number): Promise<number> {
  const answers = await Promise.all(
    Array.from({ length: connections }, () => it.client(GET.repeat(each), { responses: each })),
  );
  return answers.flatMap((text) => [...text.matchAll(/HTTP\/1\.1 200 /g)]).length;
}

for (const workers of [1, 3]) {
  const top = `workers: ${workers}`;

  scenario(
    `rateLimit with ${workers} workers: exactly so many pass, whoever serves them`,
    async (it) => {
      const origin = await it.origin(OK);
      const proxy = await it.proxyHere(
        forwardTo(origin.url, { top, route: "rateLimit: { rate: 37/h }" }),
      );

      const count = await passed(it, 40, 5);

      assert.equal(count, 37);
      assert.equal(origin.completed.length, 37);
      const lines = await proxy.accessLines(200);
      const refused = lines.filter(({ status }) => status === 429);
      assert.equal(refused.length, 163);
      assert.ok(refused.every(({ fault }) => fault === "rate_limited"));
    },
  );

  scenario(
    `rateLimit with ${workers} workers: a reload forgets nobody, unless the rate is another`,
    async (it) => {
      const origin = await it.origin(OK);
      const config = (rate: string) => forwardTo(origin.url, { top, route: `rateLimit: ${rate}` });
      const proxy = await it.proxyHere(config("20/h"));
      await passed(it, 20, 2);

      await proxy.reload(config("20/h"));
      const same = await passed(it, 10, 1);
      await proxy.reload(config("20/d"));
      const other = await passed(it, 10, 1);

      assert.deepEqual([same, other], [0, 10]);
    },
  );
}

scenario(
  "rateLimit: a refusal says when to come back, on a connection that goes on",
  async (it) => {
    const origin = await it.origin(OK);
    const proxy = await it.proxy(
      forwardTo(origin.url, { route: "rateLimit: { rate: 1/h, name: slow }" }),
    );
    const client = await it.connect();

    client.send(GET.repeat(2));
    await client.readResponse();
    const refused = await client.readResponse();
    client.send(GET);
    const again = await client.readResponse();

    assert.equal(refused.status, 429);
    const text = client.text.slice(client.text.indexOf("HTTP/1.1 429"));
    assert.match(text, /^retry-after: 3[56]\d\d\r$/im);
    assert.match(text, /^ratelimit: "slow";r=0;t=3[56]\d\d\r$/im);
    assert.match(text, /^ratelimit-policy: "slow";q=1;w=3600\r$/im);
    assert.equal(again.status, 429);
    assert.equal(await faultOf(proxy, 2), "rate_limited");
  },
);

scenario(
  "rateLimit: a body that is refused is not read into memory, and not forwarded",
  async (it) => {
    const origin = await it.origin(OK);
    await it.proxy(forwardTo(origin.url, { route: "rateLimit: { rate: 1/h, cost: { GET: 0 } }" }));
    const post = "POST / HTTP/1.1\r\nhost: a.test\r\ncontent-length: 5\r\n\r\nhello";

    const answer = await it.client(post + post + GET, { responses: 3 });

    const statuses = [...answer.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => status);
    assert.deepEqual(statuses, ["200", "429", "200"]);
    assert.equal(origin.completed.length, 2);
  },
);

scenario(
  "rateLimit: what a client says of its address is believed of those whom we trust alone",
  async (it) => {
    const origin = await it.origin(OK);
    const from = (address: string) =>
      GET.replace("\r\n\r\n", `\r\nx-forwarded-for: ${address}\r\n\r\n`);
    const route = "rateLimit: { rate: 1/h }";
    await it.proxy(forwardTo(origin.url, { route }));
    const stranger = await it.client(from("10.0.0.1") + from("10.0.0.2"), { responses: 2 });
    await it.proxy(forwardTo(origin.url, { route, top: "trust: { proxies: [127.0.0.1] }" }));
    const trusted = await it.client(from("10.0.0.1") + from("10.0.0.2"), { responses: 2 });

    const statuses = (text: string) =>
      [...text.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => status);
    assert.deepEqual(statuses(stranger), ["200", "429"]);
    assert.deepEqual(statuses(trusted), ["200", "200"]);
  },
);

scenario("rateLimit: warn serves all, and log and metrics say what it would refuse", async (it) => {
  const origin = await it.origin(OK);
  const proxy = await it.proxyHere(
    forwardTo(origin.url, { route: "rateLimit: { rate: 1/h, mode: warn }" }),
  );

  const answer = await it.client(GET.repeat(3), { responses: 3 });

  assert.equal(firstStatus(answer), 200);
  const lines = await proxy.accessLines(3);
  assert.deepEqual(
    lines.map(({ warned }) => warned),
    [undefined, ["rate_limited"], ["rate_limited"]],
  );
  const series = 'sluice_warned_total{site="*",route="*#1",code="rate_limited"}';
  assert.equal(await proxy.metric(series), 2);
});

scenario("rateLimit: fields always stand on what the upstream answered, too", async (it) => {
  const origin = await it.origin("HTTP/1.1 200 OK\r\ncontent-length: 2\r\nRateLimit: 5\r\n\r\nok");
  await it.proxy(forwardTo(origin.url, { route: "rateLimit: { rate: 5/s, fields: always }" }));

  const answer = await it.client(GET);

  assert.match(answer, /^ratelimit: "default";r=4;t=1\r$/im);
  assert.doesNotMatch(answer, /ratelimit: 5/i);
});
