/** The tests' own tools, without a proxy between: a tool that lies would make every test lie. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Client } from "../support/client.ts";
import { readRequest, readResponse } from "../support/message.ts";
import { type Answer, Origin } from "../support/origin.ts";
import { GET, OK } from "../support/scenario.ts";
import { parseScript } from "../support/script.ts";

async function talk(answer: Answer, run: (client: Client, origin: Origin) => Promise<void>) {
  const origin = await Origin.open(answer);
  const client = await Client.connect(origin.port);
  try {
    await run(client, origin);
  } finally {
    client.close();
    await origin.close();
  }
}

test("origin: keeps what it got and answers what it was told, request after request", async () => {
  await talk(["HTTP/1.1 200 A\r\ncontent-length: 1\r\n\r\na", OK], async (client, origin) => {
    client.send(`POST /x HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\n\r\nabc`);
    const first = await client.readResponse();
    client.send(GET);
    const second = await client.readResponse();

    assert.deepEqual([first.status, first.body, second.body], [200, "a", "ok"]);
    assert.deepEqual([origin.received[0]!.body, origin.received[1]!.body], ["abc", ""]);
    assert.equal(origin.completed.length, 2);
    assert.equal(origin.connections[0]!.pipelined, false);
  });
});

test("origin: notes a request that comes before the answer to the one before it", async () => {
  await talk(`<at head>${OK}<wait 20ms>`, async (client, origin) => {
    client.send(GET + GET);
    await client.readResponse();
    await client.readResponse();

    assert.equal(origin.connections[0]!.pipelined, true);
  });
});

test("origin: <at head> answers before the body, <body> waits for it", async () => {
  await talk(`<at head>HTTP/1.1 100 Continue\r\n\r\n<body>${OK}`, async (client, origin) => {
    client.send("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\n\r\n");
    const interim = await client.readMessage();
    assert.equal(origin.received[0]!.complete, false);
    client.send("abc");
    const final = await client.readMessage();

    assert.deepEqual([interim.status, final.status], [100, 200]);
  });
});

test("origin: <hang up> is a FIN, <reset> a RST, <stall> neither", async () => {
  await talk("HTTP/1.1 200<hang up>", async (client) => {
    client.send(GET);
    assert.equal(await client.readToEnd(), "HTTP/1.1 200");
    assert.equal(client.wasReset, false);
  });
  await talk("<reset>", async (client) => {
    client.send(GET);
    assert.equal(await client.readToEnd(), "");
    assert.equal(client.wasReset, true);
  });
  await talk("HTTP/1.1 <stall>", async (client) => {
    client.send(GET);
    await client.readUntil("HTTP/1.1 ");
    await assert.rejects(client.readToEnd(50), /not within 50 ms/);
  });
});

test("origin: <at connect> speaks first, <raw> keeps bytes that are not HTTP", async () => {
  await talk("<at connect>HTTP/1.1 408 Early\r\n\r\n<hang up>", async (client) => {
    assert.equal(await client.readToEnd(), "HTTP/1.1 408 Early\r\n\r\n");
  });
  await talk("HTTP/1.1 101 Go\r\n\r\n<raw>", async (client, origin) => {
    client.send(`${GET}first`);
    await client.readUntil("Go");
    client.send(" second");
    client.halfClose();
    await client.readToEnd();

    assert.equal(origin.connections[0]!.raw, "first second");
  });
});

test("origin: notes chunked bodies and trailers, and refuses what is no message", async () => {
  await talk(OK, async (client, origin) => {
    const head = "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n";
    client.send(`${head}3\r\nabc\r\n2\r\nde\r\n0\r\nx-sum: 5\r\n\r\n`);
    await client.readResponse();

    assert.equal(origin.received[0]!.body, "abcde");
    assert.deepEqual(origin.received[0]!.trailers, [["x-sum", "5"]]);
  });
  await talk(OK, async (client, origin) => {
    client.send("GET / HTTP/1.1\r\nhost : a\r\n\r\n");
    await client.readToEnd();
    assert.match(origin.connections[0]!.malformed!, /not a field line/);
  });
});

test("client: a body up to the close ends with the connection, a cut one is an error", async () => {
  await talk("HTTP/1.1 200 OK\r\n\r\nall of it<hang up>", async (client) => {
    client.send(GET);
    assert.equal((await client.readResponse()).body, "all of it");
  });
  await talk("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nall<hang up>", async (client) => {
    client.send(GET);
    await assert.rejects(client.readResponse(), /ended inside a response/);
  });
});

test("message: HEAD, 204 and 304 have no body whatever the fields say", () => {
  const text = (status: string) => `HTTP/1.1 ${status}\r\ncontent-length: 5\r\n\r\n`;
  assert.equal(readResponse(text("200 OK"), 0, "HEAD", false)?.body, "");
  assert.equal(readResponse(text("204 No"), 0, "GET", false)?.body, "");
  assert.equal(readResponse(text("304 Same"), 0, "GET", false)?.body, "");
  assert.equal(readResponse(text("200 OK"), 0, "GET", false), undefined);
});

// biome-ignore format: a table
const refused: [name: string, bytes: string][] = [
  ["both lengths",         "POST / HTTP/1.1\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n"],
  ["two lengths",          "POST / HTTP/1.1\r\ncontent-length: 1\r\ncontent-length: 1\r\n\r\nx"],
  ["another coding",       "POST / HTTP/1.1\r\ntransfer-encoding: gzip\r\n\r\n"],
  ["a chunk extension",    "POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n1;a\r\nx\r\n0\r\n\r\n"],
  ["a chunk not ended",    "POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n1\r\nxyz0\r\n\r\n"],
  ["a space before colon", "GET / HTTP/1.1\r\nhost : a\r\n\r\n"],
  ["a control in a value", "GET / HTTP/1.1\r\nhost: a\x01\r\n\r\n"],
  ["a bare CR",            "GET / HTTP/1.1\r\nhost: a\rb\r\n\r\n"],
];

for (const [name, bytes] of refused) {
  test(`message: ${name} is refused`, () => {
    assert.throws(() => readRequest(bytes, 0));
  });
}

test("script: marks in between bytes, unknown marks are bytes", () => {
  const { start, steps } = parseScript("<at head>a<wait 5ms>b<hang up>");
  assert.equal(start, "head");
  assert.deepEqual(
    steps.map((step) => step.kind),
    ["bytes", "wait", "bytes", "hang up"],
  );
  assert.deepEqual(parseScript("<html>").steps, [{ kind: "bytes", bytes: Buffer.from("<html>") }]);
  assert.throws(() => parseScript("a<at head>"));
});
