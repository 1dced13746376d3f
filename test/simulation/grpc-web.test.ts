/** Calls of gRPC-Web, as browsers make them: over HTTP/1 and HTTP/2, as bytes and as text. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { grpcWeb } from "../../src/features/grpc-web/grpc-web.ts";
import { NO_TOOLS } from "../support/build-tools.ts";
import * as wire from "../support/h2-frames.ts";
import { fieldValue, readResponse } from "../support/message.ts";
import { SimH2Client } from "../support/sim-h2-client.ts";
import type { SimAnswer } from "../support/sim-origin.ts";
import type { SimPeer } from "../support/sim-peer.ts";
import { SimProxy, type SimProxyOptions, simulation } from "../support/sim-proxy.ts";

const { DATA, END_STREAM, frame, headers } = wire;

const filter = grpcWeb.build(true, NO_TOOLS);
const GRPC_HEAD =
  "HTTP/1.1 200 OK\r\nContent-Type: application/grpc+proto\r\nTransfer-Encoding: chunked\r\n\r\n";
const message = (text: string) => `\0\0\0\0${String.fromCharCode(text.length)}${text}`;
const trailers = (lines: string) => `\x80\0\0\0${String.fromCharCode(lines.length)}${lines}`;
const chunk = (bytes: string) => `${bytes.length.toString(16)}\r\n${bytes}\r\n`;
const base64 = (text: string) => Buffer.from(text, "latin1").toString("base64");
const unbase64 = (text: string) =>
  (text.match(/[^=]{1,}={0,2}/g) ?? [])
    .map((part) => Buffer.from(part, "base64").toString("latin1"))
    .join("");

const GOOD: SimAnswer = `${GRPC_HEAD}${chunk(message("hello"))}${chunk(message("you"))}0\r\ngrpc-status: 0\r\nX-Sum: 2\r\n\r\n`;
const WANTED = message("hello") + message("you") + trailers("grpc-status:0\r\nx-sum:2\r\n");

function web(origins: readonly SimAnswer[] = [GOOD], more: SimProxyOptions = {}): SimProxyOptions {
  const phases = { before: [filter.rewrite!], respond: [filter.respond!] };
  return { protocols: ["h1", "h2c"], origins, phases, ...more };
}

interface Call {
  readonly type?: string;
  readonly accept?: string;
  readonly body?: string;
}

/** As a browser sends it over HTTP/1. */
function request({ type = "application/grpc-web+proto", accept, body = message("hi") }: Call = {}) {
  return (
    `POST /a.B/C HTTP/1.1\r\nHost: a.test\r\nContent-Type: ${type}\r\nX-Grpc-Web: 1\r\n` +
    `${accept === undefined ? "" : `Accept: ${accept}\r\n`}Content-Length: ${body.length}\r\n\r\n${body}`
  );
}

function answer(client: SimPeer) {
  const read = readResponse(client.text, 0, "POST", false);
  assert.ok(read !== undefined, `no whole answer: ${client.text}`);
  return { ...read, type: fieldValue(read.fields, "content-type") };
}

simulation(
  "grpc-web: the endpoint gets a call of gRPC, and the trailers come as a last frame",
  web(),
  async (proxy) => {
    const client = await proxy.clientWith(request());
    await proxy.advance(20);

    const [got] = proxy.origin.requests;
    const value = (name: string) => fieldValue(got!.fields, name);
    assert.deepEqual(
      [value("content-type"), value("te"), value("x-grpc-web"), got?.body],
      ["application/grpc+proto", "trailers", undefined, message("hi")],
    );
    const { type, body, startLine } = answer(client);
    assert.equal(startLine, "HTTP/1.1 200 OK");
    assert.equal(type, "application/grpc-web+proto");
    assert.equal(body, WANTED);
    assert.equal(proxy.lastOver.grpcStatus, 0);
  },
);

simulation(
  "grpc-web: over HTTP/2, a message at a time",
  web([(connection) => connection.send(GRPC_HEAD)]),
  async (proxy) => {
    const client = await SimH2Client.greet(proxy);
    client.send(
      headers(1, [...wire.POST, ["content-type", "application/grpc-web"]], 0),
      frame(DATA, END_STREAM, 1, message("hi")),
    );
    await proxy.advance(20);
    const got: string[] = [];
    for (const text of ["one", "two"]) {
      proxy.origin.last.send(chunk(message(text)));
      await proxy.advance(20);
      got.push(client.log.data(1));
    }
    proxy.origin.last.send("0\r\ngrpc-status: 0\r\n\r\n");
    await proxy.advance(20);

    const [one, two] = [message("one"), message("two")];
    assert.deepEqual(got, [one, one + two]);
    assert.equal(client.log.data(1), one + two + trailers("grpc-status:0\r\n"));
    assert.equal(client.log.of("DATA 1 END").length, 1);
  },
);

// biome-ignore format: a table
const FORMS: readonly (readonly [name: string, call: Call, type: string])[] = [
  ["text both ways",              { type: "application/grpc-web-text", body: base64(message("hi")) },          "application/grpc-web-text+proto"],
  ["text, and bytes accepted",    { type: "application/grpc-web-text+proto", body: base64(message("hi")), accept: "application/grpc-web" }, "application/grpc-web+proto"],
  ["bytes, and text accepted",    { accept: "application/grpc-web-text" },                                     "application/grpc-web-text+proto"],
  ["text, and anything accepted", { type: "application/grpc-web-text", body: base64(message("hi")), accept: "*/*" }, "application/grpc-web-text+proto"],
];

for (const [name, call, type] of FORMS) {
  simulation(`grpc-web: ${name}`, web(), async (proxy) => {
    const client = await proxy.clientWith(request(call));
    await proxy.advance(20);

    const got = answer(client);
    assert.equal(proxy.origin.requests[0]?.body, message("hi"));
    assert.equal(got.type, type);
    assert.equal(type.includes("text") ? unbase64(got.body) : got.body, WANTED);
  });
}

simulation(
  "grpc-web: as text no message waits for the next, whatever its length",
  web([(connection) => connection.send(GRPC_HEAD)]),
  async (proxy) => {
    const body = base64(message("hi"));
    const client = await proxy.clientWith(request({ type: "application/grpc-web-text", body }));
    let sent = "";
    for (const text of ["", "1", "22", "333", "4444"]) {
      sent += message(text);
      proxy.origin.last.send(chunk(message(text)));
      await proxy.advance(20);

      const [, chunks = ""] = client.text.split("\r\n\r\n");
      const got = chunks.replace(/[0-9a-f]+\r\n([^\r]*)(?:\r\n|$)/g, "$1");
      assert.equal(unbase64(got), sent, text);
    }
  },
);

simulation(
  "grpc-web: a call that fails at once has its status in the head, the endpoint's and ours",
  web([
    "HTTP/1.1 200 OK\r\nContent-Type: application/grpc\r\nGrpc-Status: 5\r\nContent-Length: 0\r\n\r\n",
  ]),
  async (proxy) => {
    const client = await proxy.clientWith(request());
    await proxy.advance(20);
    await proxy.origin.refuse();
    for (const connection of proxy.origin.connections) connection.close();
    await proxy.advance(20);
    const other = await proxy.clientWith(request({ accept: "application/grpc-web-text" }));
    await proxy.advance(2_000);

    const [theirs, ours] = [answer(client), answer(other)];
    assert.deepEqual([theirs.type, theirs.body], ["application/grpc-web", ""]);
    assert.equal(fieldValue(theirs.fields, "grpc-status"), "5");
    assert.deepEqual([ours.type, ours.body], ["application/grpc-web-text", ""]);
    assert.equal(fieldValue(ours.fields, "grpc-status"), "14");
    assert.match(ours.startLine, / 200 /);
  },
);

simulation(
  "grpc-web: an answer that is none of gRPC is the client's as it is",
  web(["HTTP/1.1 503 No\r\nContent-Type: text/html\r\nContent-Length: 2\r\n\r\nno"]),
  async (proxy) => {
    const client = await proxy.clientWith(request());
    await proxy.advance(20);

    const got = answer(client);
    assert.deepEqual([got.startLine.slice(9, 12), got.type, got.body], ["503", "text/html", "no"]);
  },
);

simulation(
  "grpc-web: other requests are left alone",
  web(["HTTP/1.1 200 OK\r\nContent-Type: application/grpc\r\nContent-Length: 1\r\n\r\nx"]),
  async (proxy) => {
    const types = ["application/grpc", "application/json", "application/grpc-webx"];
    for (const type of types) {
      const client = await proxy.clientWith(request({ type, body: "any" }));
      await proxy.advance(20);

      assert.equal(answer(client).body, "x");
      assert.equal(proxy.origin.requests.at(-1)?.body, "any");
      assert.equal(fieldValue(proxy.origin.requests.at(-1)!.fields, "content-type"), type);
    }
  },
);

// biome-ignore format: a table
const BAD_REQUESTS: readonly (readonly [name: string, call: Call])[] = [
  ["a frame of trailers",           { body: message("hi") + trailers("a:b\r\n") }],
  ["flags of no message",           { body: "\x02\0\0\0\0" }],
  ["half a message",                { body: message("hi").slice(0, 6) }],
  ["half a prefix",                 { body: "\0\0" }],
  ["text that is no base64",        { type: "application/grpc-web-text", body: "!!!!" }],
  ["text that breaks off",          { type: "application/grpc-web-text", body: base64(message("hi")).slice(0, -1) }],
  ["bytes where text was promised", { type: "application/grpc-web-text" }],
];

for (const [name, call] of BAD_REQUESTS) {
  simulation(`grpc-web: ${name} is told with a status`, web([() => {}]), async (proxy) => {
    const client = await proxy.clientWith(request(call));
    await proxy.advance(200);

    const got = answer(client);
    assert.equal(fieldValue(got.fields, "grpc-status"), "13");
    assert.match(fieldValue(got.fields, "grpc-message") ?? "", /^request_body_malformed /);
    assert.equal(proxy.lastOver.fault?.code, "request_body_malformed");
  });
}

// biome-ignore format: a table
const BAD_ANSWERS: readonly (readonly [name: string, body: string])[] = [
  ["frames of its own trailers", chunk(trailers("grpc-status:0\r\n"))],
  ["half a message",             chunk(message("hi").slice(0, 6))],
];

for (const [name, body] of BAD_ANSWERS) {
  simulation(
    `grpc-web: an endpoint that sends ${name} is cut off`,
    web([`${GRPC_HEAD}${body}0\r\ngrpc-status: 0\r\n\r\n`]),
    async (proxy) => {
      const client = await proxy.clientWith(request());
      await proxy.advance(20);

      assert.equal(readResponse(client.text, 0, "POST", true), undefined); // not whole
      assert.equal(proxy.lastOver.fault?.code, "response_body_malformed");
    },
  );
}

simulation(
  "grpc-web: an endpoint that says nothing of how it ended: UNKNOWN",
  web([`${GRPC_HEAD}0\r\n\r\n`]),
  async (proxy) => {
    const client = await proxy.clientWith(request());
    await proxy.advance(20);

    assert.equal(answer(client).body, trailers("grpc-status:2\r\n"));
  },
);

for (const type of ["application/grpc-web", "application/grpc-web-text"]) {
  test(`grpc-web: the same call in two pieces, cut anywhere, both ways (${type})`, async () => {
    const isText = type.endsWith("text");
    const plain = message("hello") + message("") + message("there");
    const whole = request({ type, body: isText ? base64(plain) : plain });
    const reply = GOOD as string;
    for (let at = 1; at < Math.max(whole.length, reply.length); at++) {
      const proxy = await SimProxy.start({
        ...web([
          (connection) => {
            connection.send(reply.slice(0, at));
            if (at < reply.length)
              proxy.world.clock.after(10, () => connection.send(reply.slice(at)));
          },
        ]),
        seed: at,
      });
      const client = await proxy.clientWith(whole.slice(0, at));
      if (at < whole.length) client.send(whole.slice(at));
      await proxy.advance(100);

      const { body } = answer(client);
      assert.equal(proxy.origin.requests[0]?.body, plain, `cut at ${at}`);
      assert.equal(isText ? unbase64(body) : body, WANTED, `cut at ${at}`);
      await proxy.end();
    }
  });
}

test("grpc-web: a client or an endpoint that goes away at any byte leaves nothing behind", async () => {
  const whole = request({ type: "application/grpc-web-text", body: base64(message("hello")) });
  const reply = GOOD as string;
  for (let at = 0; at <= Math.max(whole.length, reply.length); at++) {
    for (const who of ["client", "endpoint"] as const) {
      const proxy = await SimProxy.start({
        ...web([
          (connection) => {
            connection.send(who === "endpoint" ? reply.slice(0, at) : reply);
            if (who === "endpoint") connection.close();
          },
        ]),
        seed: at,
      });
      const client = await proxy.clientWith(who === "client" ? whole.slice(0, at) : whole);
      if (who === "client") client.reset();
      await proxy.advance(50);

      await proxy.end();
    }
  }
});
