/** No protocol but websocket is switched to: any other Upgrade is taken off the request (S7). */
import assert from "node:assert/strict";
import { fieldValue, fieldValues } from "../support/message.ts";
import { forwardTo, OK, scenario } from "../support/scenario.ts";

// biome-ignore format: a table
const rows: [name: string, fields: string][] = [
  ["h2c",                    "connection: Upgrade, HTTP2-Settings\r\nupgrade: h2c\r\nhttp2-settings: AAMAAABkAAQAAP__\r\n"],
  ["h2c, settings unlisted", "connection: Upgrade\r\nupgrade: h2c\r\nhttp2-settings: AAMAAABkAAQAAP__\r\n"],
  ["h2c in another case",    "connection: UPGRADE\r\nupgrade: H2C\r\nhttp2-settings: AA\r\n"],
  ["TLS/1.0",                "connection: Upgrade\r\nupgrade: TLS/1.0\r\n"],
  ["an unknown protocol",    "connection: upgrade\r\nupgrade: irc/6.9, foo\r\n"],
  ["h2c in two lines",       "connection: upgrade\r\nupgrade: foo\r\nupgrade: h2c\r\n"],
  ["settings alone",         "http2-settings: AAMAAABkAAQAAP__\r\n"],
];

for (const [name, fields] of rows) {
  scenario(`upgrade: ${name}: an ordinary request goes on`, async (it) => {
    const origin = await it.origin(OK);
    await it.proxy(forwardTo(origin.url));

    const answer = await it.client(`GET / HTTP/1.1\r\nhost: a.test\r\n${fields}\r\n`);

    assert.match(answer, /^HTTP\/1\.1 200 /);
    const received = origin.received[0]!.fields;
    assert.deepEqual(fieldValues(received, "upgrade"), []);
    assert.deepEqual(fieldValues(received, "http2-settings"), []);
    assert.doesNotMatch(fieldValue(received, "connection") ?? "", /upgrade|http2/i);
  });
}

scenario("upgrade: the preface of HTTP/2 is refused", async (it) => {
  const origin = await it.origin(OK);
  await it.proxy(forwardTo(origin.url));

  const answer = await it.client("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");

  assert.match(answer, /^HTTP\/1\.1 (400|505) /);
  assert.equal(origin.received.length, 0);
});

scenario("upgrade: an Upgrade that the origin offers stays behind", async (it) => {
  const origin = await it.origin(
    "HTTP/1.1 200 OK\r\nupgrade: h2c\r\nconnection: upgrade\r\ncontent-length: 2\r\n\r\nok",
  );
  await it.proxy(forwardTo(origin.url));

  const answer = await it.client("GET / HTTP/1.1\r\nhost: a.test\r\n\r\n");

  assert.doesNotMatch(answer, /upgrade/i);
});
