/** Bodies keep their bytes and their end, however they are framed on either side. */
import assert from "node:assert/strict";
import { fieldValue, fieldValues } from "../support/message.ts";
import { forwardTo, GET, OK, scenario } from "../support/scenario.ts";

const CHUNKED = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
const post = (fields: string, body: string) =>
  `POST / HTTP/1.1\r\nhost: a.test\r\n${fields}\r\n${body}`;

// biome-ignore format: a table
const uploads: [name: string, fields: string, bytes: string, body: string][] = [
  ["a length",               "content-length: 5\r\n",          "hello",                                    "hello"],
  ["a length of zero",       "content-length: 0\r\n",          "",                                         ""],
  ["a length with zeroes",   "content-length: 005\r\n",        "hello",                                    "hello"],
  ["no body at all",         "",                               "",                                         ""],
  ["one chunk",              "transfer-encoding: chunked\r\n", "5\r\nhello\r\n0\r\n\r\n",                  "hello"],
  ["many chunks",            "transfer-encoding: chunked\r\n", "1\r\nh\r\n4\r\nello\r\n0\r\n\r\n",         "hello"],
  ["no chunk",               "transfer-encoding: chunked\r\n", "0\r\n\r\n",                                ""],
  ["hexadecimal sizes",      "transfer-encoding: chunked\r\n", "A\r\n0123456789\r\nb\r\n0123456789a\r\n0\r\n\r\n", "01234567890123456789a"],
  ["sizes with zeroes",      "transfer-encoding: chunked\r\n", "005\r\nhello\r\n000\r\n\r\n",              "hello"],
  ["chunk extensions",       "transfer-encoding: chunked\r\n", '5;a=1;b="x;y"\r\nhello\r\n0;last\r\n\r\n', "hello"],
  ["CRLF inside of chunks",  "transfer-encoding: chunked\r\n", "4\r\n\r\n\r\n\r\n0\r\n\r\n",               "\r\n\r\n"],
  ["chunked in another case", "Transfer-Encoding: CHUNKED\r\n", "2\r\nhi\r\n0\r\n\r\n",                    "hi"],
];

for (const [name, fields, bytes, body] of uploads) {
  scenario(`request body: ${name}`, async (it) => {
    const origin = await it.origin(OK);
    await it.proxy(forwardTo(origin.url));

    const answer = await it.client(post(fields, bytes));

    assert.match(answer, /^HTTP\/1\.1 200 /);
    assert.equal(origin.completed.length, 1);
    assert.equal(origin.received[0]!.body, body);
    assert.ok(!origin.connections[0]!.text.includes(";a=1"), "an extension went through");
  });
}

scenario("request body: trailers reach the origin", async (it) => {
  const origin = await it.origin(OK);
  await it.proxy(forwardTo(origin.url));

  await it.client(
    post("transfer-encoding: chunked\r\ntrailer: x-sum\r\n", "2\r\nhi\r\n0\r\nx-sum: 7\r\n\r\n"),
  );

  assert.deepEqual(origin.received[0]!.trailers, [["x-sum", "7"]]);
});

scenario("request body: a GET without a body has no framing fields upstream", async (it) => {
  const origin = await it.origin(OK);
  await it.proxy(forwardTo(origin.url));

  await it.client(GET);

  const { fields } = origin.received[0]!;
  assert.deepEqual(fieldValues(fields, "content-length"), []);
  assert.deepEqual(fieldValues(fields, "transfer-encoding"), []);
});

for (const method of ["GET", "DELETE", "OPTIONS", "PATCH", "M-SEARCH", "QUERY"]) {
  scenario(`request body: ${method} may have one like any other method`, async (it) => {
    const origin = await it.origin(OK);
    await it.proxy(forwardTo(origin.url));

    await it.client(`${method} / HTTP/1.1\r\nhost: a.test\r\ncontent-length: 2\r\n\r\nhi${GET}`, {
      responses: 2,
    });

    assert.deepEqual(
      origin.received.map((each) => [each.method, each.body]),
      [
        [method, "hi"],
        ["GET", ""],
      ],
    );
  });
}

scenario(
  "request body: each chunk goes on at once, the proxy does not wait for the end",
  async (it) => {
    const origin = await it.origin(OK);
    await it.proxy(forwardTo(origin.url));
    const client = await it.connect();
    client.send(post("transfer-encoding: chunked\r\n", "5\r\nfirst\r\n"));

    while (!(origin.connections[0]?.text.includes("first") ?? false)) {
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    assert.equal(origin.received[0]!.complete, false);
    client.send("6\r\nsecond\r\n0\r\n\r\n");
    await client.readResponse();

    assert.equal(origin.received[0]!.body, "firstsecond");
  },
);

// biome-ignore format: a table
const downloads: [name: string, bytes: string, body: string][] = [
  ["a length",             "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello",    "hello"],
  ["a length of zero",     "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n",         ""],
  ["one chunk",            `${CHUNKED}5\r\nhello\r\n0\r\n\r\n`,                     "hello"],
  ["many chunks",          `${CHUNKED}1\r\nh\r\n4\r\nello\r\n0\r\n\r\n`,            "hello"],
  ["chunk extensions",     `${CHUNKED}5;x="a;b"\r\nhello\r\n0;y\r\n\r\n`,           "hello"],
  ["until the close",      "HTTP/1.1 200 OK\r\n\r\nhello<hang up>",                 "hello"],
  ["until the close, 1.0", "HTTP/1.0 200 OK\r\n\r\nhello<hang up>",                 "hello"],
  ["a slow head",          "HTTP/1.1 2<wait 10ms>00 OK\r\ncontent-len<wait 10ms>gth: 2\r<wait 10ms>\n\r\nhi", "hi"],
  ["no reason",            "HTTP/1.1 200 \r\ncontent-length: 2\r\n\r\nhi",          "hi"],
  ["no space, no reason",  "HTTP/1.1 200\r\ncontent-length: 2\r\n\r\nhi",           "hi"],
];

for (const [name, bytes, body] of downloads) {
  scenario(`response body: ${name}, and the connection stays`, async (it) => {
    const origin = await it.origin([bytes, OK]);
    await it.proxy(forwardTo(origin.url));
    const client = await it.connect();

    client.send(GET);
    assert.equal((await client.readResponse()).body, body);
    client.send(GET);
    assert.equal((await client.readResponse()).body, "ok");
  });
}

scenario("response body: trailers reach the client", async (it) => {
  const origin = await it.origin(
    "HTTP/1.1 200 OK\r\ntrailer: x-sum\r\ntransfer-encoding: chunked\r\n\r\n" +
      "2\r\nhi\r\n0\r\nx-sum: 9\r\n\r\n",
  );
  await it.proxy(forwardTo(origin.url));
  const client = await it.connect();
  client.send("GET / HTTP/1.1\r\nhost: a.test\r\nte: trailers\r\nconnection: te\r\n\r\n");

  const response = await client.readResponse();

  assert.equal(response.body, "hi");
  assert.deepEqual(response.trailers, [["x-sum", "9"]]);
});

scenario("response body: a client of 1.0 gets no chunks, the close ends the body", async (it) => {
  const origin = await it.origin(
    `${CHUNKED}2\r\nhi\r\n3\r\n you\r\n0\r\n\r\n`.replace("3\r\n", "4\r\n"),
  );
  await it.proxy(forwardTo(origin.url));
  const client = await it.connect();
  client.send("GET / HTTP/1.0\r\nhost: a.test\r\nconnection: keep-alive\r\n\r\n");

  await client.readToEnd();
  const response = await client.readResponse();

  assert.equal(response.framing, "close");
  assert.equal(response.body, "hi you");
  assert.equal(client.wasReset, false);
  assert.notEqual(fieldValue(response.fields, "connection"), "keep-alive");
});

scenario("response body: each chunk goes on at once", async (it) => {
  const origin = await it.origin(`${CHUNKED}5\r\nfirst\r\n<stall>`);
  await it.proxy(forwardTo(origin.url));
  const client = await it.connect();

  client.send(GET);
  await client.readUntil("first");

  assert.ok(!client.over);
  client.reset();
});
