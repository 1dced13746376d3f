/** Another try where it is safe, and none where it is not. */
import assert from "node:assert/strict";
import { faultOf, firstStatus, forwardTo, GET, OK, scenario } from "../support/scenario.ts";

const POST = "POST / HTTP/1.1\r\nhost: a.test\r\ncontent-length: 1\r\n\r\nx";
const ALL = "retry: { attempts: 2, on: [connect, reused, reset, timeout] }";

scenario("a GET is tried elsewhere when an endpoint hangs up unanswered", async (it) => {
  const first = await it.origin("<hang up>");
  const second = await it.origin("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi");
  const proxy = await it.proxy(forwardTo([first.url, second.url], { route: ALL }));

  const answer = await it.client(GET);

  assert.match(answer, /^HTTP\/1\.1 200 OK\r\n/);
  assert.equal(first.received.length, 1);
  assert.equal(second.received.length, 1);
  const [line] = await proxy.accessLines(1);
  assert.equal(line!["attempts"], 2);
  assert.equal(line!["endpoint"], `127.0.0.1:${second.port}`);
});

scenario("a POST whose body has left is not tried again", async (it) => {
  const first = await it.origin("<hang up>");
  const second = await it.origin(OK);
  await it.proxy(forwardTo([first.url, second.url], { route: ALL }));

  const answer = await it.client(POST);

  assert.match(answer, /^HTTP\/1\.1 502 /);
  assert.equal(second.received.length, 0);
});

scenario("a POST is tried elsewhere when the first endpoint cannot be reached", async (it) => {
  const first = await it.origin(OK);
  await first.close();
  const second = await it.origin(OK);
  await it.proxy(forwardTo([first.url, second.url], { route: ALL }));

  const answer = await it.client(POST);

  assert.equal(firstStatus(answer), 200);
  assert.equal(second.received[0]!.body, "x");
});

scenario("a POST is tried again where the route says that its body may be replayed", async (it) => {
  const first = await it.origin("<hang up>");
  const second = await it.origin(OK);
  const route = "retry: { attempts: 2, on: [reset], replayBody: true }";
  await it.proxy(forwardTo([first.url, second.url], { route }));

  const answer = await it.client(
    "POST / HTTP/1.1\r\nhost: a.test\r\ntransfer-encoding: chunked\r\n\r\n" +
      "5\r\nhello\r\n6\r\n world\r\n0\r\nx-sum: 1\r\n\r\n",
  );

  assert.equal(firstStatus(answer), 200);
  assert.equal(second.received[0]!.body, "hello world");
  assert.deepEqual(second.received[0]!.trailers, [["x-sum", "1"]]);
});

scenario("a body larger than limits.replayBytes is not tried again", async (it) => {
  const first = await it.origin("<hang up>");
  const second = await it.origin(OK);
  const route = "retry: { attempts: 2, on: [reset], replayBody: true }, limits: { replayBytes: 4 }";
  await it.proxy(forwardTo([first.url, second.url], { route }));

  const answer = await it.client(
    "POST / HTTP/1.1\r\nhost: a.test\r\ncontent-length: 5\r\n\r\nhello",
  );

  assert.equal(firstStatus(answer), 502);
  assert.equal(second.received.length, 0);
});

scenario("nothing is tried again after a byte of the response", async (it) => {
  const first = await it.origin(
    "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf<wait 30ms><hang up>",
  );
  const second = await it.origin(OK);
  await it.proxy(forwardTo([first.url, second.url], { route: ALL }));
  const client = await it.connect();

  client.send(GET);
  await client.readToEnd();

  assert.equal(second.received.length, 0);
  assert.ok(!client.text.includes("ok"));
});

scenario(
  "a partial response head is tried elsewhere, for the client has nothing of it",
  async (it) => {
    const first = await it.origin("HTTP/1.1 200<hang up>");
    const second = await it.origin(OK);
    await it.proxy(forwardTo([first.url, second.url], { route: ALL }));

    assert.equal(firstStatus(await it.client(GET)), 200);
    assert.equal(second.received.length, 1);
  },
);

scenario("garbage and a listed status are tried elsewhere where the route says so", async (it) => {
  for (const answer of ["NOT HTTP\r\n\r\n", "HTTP/1.1 503 Busy\r\ncontent-length: 0\r\n\r\n"]) {
    const first = await it.origin(answer);
    const second = await it.origin(OK);
    const route = "retry: { on: [malformed, 503] }";
    await it.proxy(forwardTo([first.url, second.url], { route }));

    assert.equal(firstStatus(await it.client(GET)), 200);
    assert.equal(second.received.length, 1);
  }
});

scenario("a bad response is not tried again unasked, nor is a 503", async (it) => {
  for (const answer of ["NOT HTTP\r\n\r\n", "HTTP/1.1 503 Busy\r\ncontent-length: 0\r\n\r\n"]) {
    const first = await it.origin(answer);
    const second = await it.origin(OK);
    await it.proxy(forwardTo([first.url, second.url], { route: ALL }));

    assert.ok(firstStatus(await it.client(GET)) >= 502);
    assert.equal(second.received.length, 0);
  }
});

scenario("a silent endpoint: another try only where `timeout` is named", async (it) => {
  const timeouts = { upstream: "timeouts: { responseHead: 200ms }" };
  for (const [on, wanted] of [
    ["timeout", 200],
    ["reset", 504],
  ] as const) {
    const first = await it.origin("<stall>");
    const second = await it.origin(OK);
    const route = `retry: { attempts: 2, on: [${on}] }`;
    await it.proxy(forwardTo([first.url, second.url], { ...timeouts, route }));

    assert.equal(firstStatus(await it.client(GET)), wanted);
    assert.equal(second.received.length, wanted === 200 ? 1 : 0);
  }
});

scenario("an endpoint is not asked twice for one request", async (it) => {
  const first = await it.origin("<hang up>");
  const second = await it.origin("<hang up>");
  const route = "retry: { attempts: 5, on: [reset] }";
  const proxy = await it.proxy(forwardTo([first.url, second.url], { route }));

  const answer = await it.client(GET);

  assert.equal(firstStatus(answer), 502);
  assert.deepEqual([first.received.length, second.received.length], [1, 1]);
  assert.equal(await faultOf(proxy), "reset_before_head");
});

scenario("the last fault is the one that is told", async (it) => {
  const first = await it.origin("<hang up>");
  const second = await it.origin(OK);
  await second.close();
  const proxy = await it.proxy(forwardTo([first.url, second.url], { route: ALL }));

  assert.equal(firstStatus(await it.client(GET)), 502);
  assert.equal(await faultOf(proxy), "connect_refused");
});

scenario("the budget bounds the storm: not every failing request is tried again", async (it) => {
  const first = await it.origin("<wait 50ms><hang up>");
  const second = await it.origin(`<wait 50ms>${OK}`);
  const route = "retry: { attempts: 2, on: [reset], budget: { percent: 20, min: 3 } }";
  const upstream = "health: { passive: off }"; // or the second is asked first before long
  await it.proxy(forwardTo([first.url, second.url], { route, upstream }));

  const answers = await Promise.all(Array.from({ length: 50 }, () => it.client(GET)));

  const saved = answers.filter((answer) => firstStatus(answer) === 200).length;
  assert.ok(saved >= 3, `${saved} were saved`);
  assert.ok(second.received.length <= 25, `${second.received.length} of 50 were tried again`);
});

scenario(
  "without `retry` on the route nothing but a dead idle connection is tried again",
  async (it) => {
    const first = await it.origin("<hang up>");
    const second = await it.origin(OK);
    const proxy = await it.proxy(forwardTo([first.url, second.url]));

    assert.equal(firstStatus(await it.client(GET)), 502);
    assert.equal(second.received.length, 0);
    assert.equal((await proxy.accessLines(1))[0]!["attempts"], 1);
  },
);
