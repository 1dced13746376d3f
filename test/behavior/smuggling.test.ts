/**
 * Every request and response that two readers could read differently is refused, and nothing of it
 * reaches the other side as a whole message (SECURITY S1–S6, S9, S10, N1; the node:http table).
 */
import assert from "node:assert/strict";
import { after, before, type TestContext, test } from "node:test";
import { FAULTS, type FaultCode } from "../../src/core/fault.ts";
import { Client } from "../support/client.ts";
import {
  BAD_REQUESTS,
  BAD_RESPONSES,
  type BadMessage,
  GOOD_REQUESTS,
  GOOD_RESPONSES,
} from "../support/corpus.ts";
import { within } from "../support/deadline.ts";
import { Origin } from "../support/origin.ts";
import { type StartedProxy, startProxy } from "../support/proxy.ts";
import { forwardTo, GET, OK } from "../support/scenario.ts";

const statusesOf = (message: BadMessage) =>
  message.faults.map((code): number => FAULTS[code].status);

/** The reason code that our error reply tells. */
function codeIn(body: string, faults: readonly FaultCode[]): FaultCode | undefined {
  return faults.find((code) => body.includes(code));
}

// One proxy and one origin for all rows: each row has a connection of its own.
let origin: Origin;
let proxy: StartedProxy;
let answer = OK;

before(async () => {
  origin = await Origin.open(() => answer);
  proxy = await startProxy(forwardTo(origin.url));
});

after(async () => {
  await proxy.stop();
  assert.ok(!origin.connections.some((each) => each.pipelined), "a request was pipelined");
  assert.deepEqual(
    origin.connections.map((each) => each.malformed).filter((why) => why !== undefined),
    [],
    "the origin got something that is no message",
  );
  await origin.close();
});

async function connect(t: TestContext): Promise<Client> {
  const client = await Client.connect(proxy.port);
  t.after(() => client.close());
  return client;
}

for (const message of BAD_REQUESTS) {
  test(`request: ${message.name}: ${message.faults[0]}`, async (t) => {
    const completedBefore = origin.completed.length;
    const receivedBefore = origin.received.length;
    const client = await connect(t);

    client.send(message.bytes);
    const response = await client.readResponse();
    await client.readToEnd();

    assert.ok(statusesOf(message).includes(response.status), `got ${response.startLine}`);
    const reason = codeIn(response.body, message.faults);
    assert.ok(reason !== undefined, `the reply tells another reason: ${response.body}`);
    assert.equal(client.text.length, response.end, "one reply, then the end of the connection");
    assert.equal(origin.completed.length, completedBefore, "the origin has a whole request");
    if (message.stage !== "body") assert.equal(origin.received.length, receivedBefore);
  });
}

for (const sample of GOOD_REQUESTS) {
  test(`request: ${sample.name}: accepted`, async (t) => {
    const client = await connect(t);
    const receivedBefore = origin.received.length;

    client.send(sample.bytes);
    const response = await client.readResponse();
    const received = origin.received[receivedBefore]!;

    assert.equal(response.status, 200);
    assert.equal(received.complete, true);
    assert.equal(received.body, sample.body);
    assert.equal(received.method, sample.method);
    assert.deepEqual(received.trailers, sample.trailers);
  });
}

for (const message of BAD_RESPONSES) {
  test(`response: ${message.name}: ${message.faults[0]}`, async (t) => {
    const client = await connect(t);
    const asked = origin.received.length;
    answer = `${message.bytes}<stall>`; // so that it is the proxy that closes

    client.send(GET.replace("\r\n\r\n", "\r\nconnection: close\r\n\r\n"));
    await client.readToEnd();
    const first = await client.readResponse().catch(() => undefined);

    // A body may be refused after our head has left: then the client must see it cut.
    if (message.stage === "body" && first === undefined) {
      assert.match(client.text, /^(HTTP\/1\.1 200 |$)/);
    } else {
      assert.ok(first !== undefined, `no whole response: ${JSON.stringify(client.text)}`);
      assert.equal(first.status, 502, "a whole response, so it must be our refusal");
      assert.ok(codeIn(first.body, message.faults) !== undefined, first.body);
      assert.equal(client.text.length, first.end);
    }

    await within(origin.received[asked]!.connection.gone, () => "the end of the bad connection");
    // And nobody else gets what was left on that connection.
    answer = OK;
    const other = await connect(t);
    other.send(GET);
    assert.equal((await other.readResponse()).body, "ok");
  });
}

for (const sample of GOOD_RESPONSES) {
  test(`response: ${sample.name}: accepted`, async (t) => {
    const client = await connect(t);
    answer = sample.bytes + (sample.untilClose ? "<hang up>" : "");

    client.send(`${sample.method} / HTTP/1.1\r\nhost: a.test\r\n\r\n`);
    const response = await client.readResponse(sample.method);

    assert.equal(response.status, sample.status);
    assert.equal(response.body, sample.body);
  });
}
