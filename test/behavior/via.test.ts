/** Via names every proxy on the way, and a request that has been here before is not sent round again. */
import assert from "node:assert/strict";
import { fieldValues } from "../support/message.ts";
import { faultOf, firstStatus, forwardTo, GET, OK, scenario } from "../support/scenario.ts";

const NAMED = "via: { pseudonym: edge-1 }";
const withVia = (value: string) => `GET / HTTP/1.1\r\nhost: a.test\r\nvia: ${value}\r\n\r\n`;

scenario("via: the request says through whom it came", async (it) => {
  const origin = await it.origin(OK);
  await it.proxy(forwardTo(origin.url, { top: NAMED }));

  await it.client(GET);
  await it.client("GET / HTTP/1.0\r\nhost: a.test\r\n\r\n");

  assert.deepEqual(fieldValues(origin.received[0]!.fields, "via"), ["1.1 edge-1"]);
  assert.deepEqual(fieldValues(origin.received[1]!.fields, "via"), ["1.0 edge-1"]);
});

scenario("via: those before us stay ahead of us", async (it) => {
  const origin = await it.origin(OK);
  await it.proxy(forwardTo(origin.url, { top: NAMED }));

  await it.client(withVia("1.0 fred, 1.1 p.example.test (Apache/1.1)"));

  const hops = fieldValues(origin.received[0]!.fields, "via").join(", ");
  assert.equal(hops, "1.0 fred, 1.1 p.example.test (Apache/1.1), 1.1 edge-1");
});

for (const value of [
  "1.1 edge-1",
  "1.0 fred, 1.1 edge-1",
  "HTTP/1.1 edge-1",
  "1.1 edge-1 (a comment)",
  "1.1\tedge-1",
]) {
  scenario(`via: ${JSON.stringify(value)} has been here: 508`, async (it) => {
    const origin = await it.origin(OK);
    const proxy = await it.proxy(forwardTo(origin.url, { top: NAMED }));

    const answer = await it.client(withVia(value));

    assert.equal(firstStatus(answer), 508);
    assert.equal(await faultOf(proxy), "loop_detected");
    assert.equal(origin.received.length, 0);
  });
}

for (const value of ["1.1 edge-2", "1.1 edge-10", "1.1 my-edge-1", "1.1 fred (edge-1)"]) {
  scenario(`via: ${JSON.stringify(value)} is somebody else`, async (it) => {
    const origin = await it.origin(OK);
    await it.proxy(forwardTo(origin.url, { top: NAMED }));

    assert.equal(firstStatus(await it.client(withVia(value))), 200);
  });
}

scenario("via: off sends none and looks for none", async (it) => {
  const origin = await it.origin(OK);
  await it.proxy(forwardTo(origin.url, { top: "via: off" }));

  await it.client(GET);

  assert.deepEqual(fieldValues(origin.received[0]!.fields, "via"), []);
});

scenario("via: two proxies in a row, both with our defaults, are no loop", async (it) => {
  const origin = await it.origin(OK);
  const inner = await it.proxy(forwardTo(origin.url));
  await it.proxy(forwardTo(`http://127.0.0.1:${inner.port}`));

  assert.equal(firstStatus(await it.client(GET)), 200);
  assert.equal(fieldValues(origin.received[0]!.fields, "via").join(",").split(",").length, 2);
});
