/** gRPC end to end: its own client and its own server, with Sluice between them. */
import assert from "node:assert/strict";
import { type Client, status } from "@grpc/grpc-js";
import { eventually } from "../support/deadline.ts";
import { connected, duplex, INTEROP_CASES, unary } from "../support/grpc/interop-cases.ts";
import { type InteropServer, startInteropServer } from "../support/grpc/interop-server.ts";
import { connectTo, METHODS, payloadOf } from "../support/grpc/interop-service.ts";
import { fieldValue } from "../support/message.ts";
import { forwardTo, type Scenario, scenario } from "../support/scenario.ts";

const LISTENERS = 'listeners: { "*": { protocols: [h1, h2c] } }';

async function serverOf(it: Scenario): Promise<InteropServer> {
  const server = await startInteropServer();
  it.defer(() => server.close());
  return server;
}

/** Sluice before such a server, and a client of it. */
async function through(it: Scenario, extra: Parameters<typeof forwardTo>[1] = {}) {
  const server = await serverOf(it);
  const url = `h2c://127.0.0.1:${server.port}`;
  const proxy = await it.proxy(forwardTo(url, { top: LISTENERS, ...extra }));
  const client = await connected(connectTo(proxy.port));
  it.defer(() => client.close());
  return { server, proxy, client };
}

scenario(
  "grpc: the cases pass without a proxy, so that what fails with one is its doing",
  async (it) => {
    const server = await serverOf(it);
    const client = await connected(connectTo(server.port));
    it.defer(() => client.close());

    for (const { run } of INTEROP_CASES) await run(client);
  },
);

for (const { name, run } of INTEROP_CASES) {
  scenario(`grpc: ${name}`, async (it) => {
    const { client } = await through(it);

    await run(client);
  });
}

scenario("grpc: all cases at once on one connection", async (it) => {
  const { client } = await through(it);

  await Promise.all(INTEROP_CASES.flatMap(({ run }) => [run(client), run(client), run(client)]));
});

scenario("grpc: a call that is cancelled is cancelled at the server, at once", async (it) => {
  const { client, server, proxy } = await through(it);
  const { call, end } = duplex(client, (open) => open.cancel());
  call.write({ responseParameters: [{ size: 5 }], payload: payloadOf(3) });

  assert.equal((await end).status.code, status.CANCELLED);
  await eventually(
    () => (server.cancelled.includes("duplex") ? true : undefined),
    () => "nobody told the server",
  );
  assert.equal((await proxy.accessLines(1))[0]!["fault"], "client_gone");
});

scenario("grpc: the server is told what is left of the time", async (it) => {
  const { client, server } = await through(it);
  const deadline = new Date(performance.timeOrigin + performance.now() + 60_000);
  const { call, end } = duplex(client, undefined, undefined, { deadline });
  call.end();

  assert.equal((await end).status.code, status.OK);
  assert.equal(server.deadlines.length, 1);
  assert.ok(Math.abs(server.deadlines[0]! - deadline.getTime()) < 30_000);
});

const toldBy = async (client: Client) => {
  const { status: end } = await unary(client, METHODS.empty, {});
  return [end.code, end.details.replace(/ \(request .*/, "")];
};

scenario("grpc: faults have statuses that a client of gRPC understands", async (it) => {
  const { client, server, proxy } = await through(it, {
    route: "match: { path: /grpc.testing.TestService/* }",
  });
  const elsewhere = await unary(client, { ...METHODS.empty, path: "/other.Service/Call" }, {});
  server.close();
  const gone = await toldBy(client);

  assert.equal(elsewhere.status.code, status.UNIMPLEMENTED);
  assert.match(elsewhere.status.details, /^no_route /);
  assert.deepEqual(gone, [status.UNAVAILABLE, "connect_refused"]);
  const lines = await proxy.accessLines(2);
  assert.deepEqual(
    lines.map((line) => [line["status"], line["grpc_status"], line["fault"]]),
    [
      [200, status.UNIMPLEMENTED, "no_route"],
      [200, status.UNAVAILABLE, "connect_refused"],
    ],
  );
});

scenario(
  "grpc: a stream that breaks off at the server ends with a status, not with a reset",
  async (it) => {
    const { client, server } = await through(it);
    const { call, end } = duplex(client, () => server.close());
    call.write({ responseParameters: [{ size: 5 }], payload: payloadOf(3) });
    const { status: last, told } = await end;

    assert.equal(told.length, 1);
    assert.deepEqual(
      [last.code, last.details.split(" ")[0]],
      [status.UNAVAILABLE, "response_truncated"],
    );
  },
);

scenario("grpc: a call that the server refuses for now is made on another", async (it) => {
  const [busy, ready] = [await serverOf(it), await serverOf(it)];
  busy.refuse(status.UNAVAILABLE);
  const urls = [busy, ready].map(({ port }) => `h2c://127.0.0.1:${port}`);
  const route = "retry: { on: [UNAVAILABLE], replayBody: true }";
  const proxy = await it.proxy(forwardTo(urls, { top: LISTENERS, route }));
  const client = await connected(connectTo(proxy.port));
  it.defer(() => client.close());

  const { status: end, told } = await unary(client, METHODS.unary, { responseSize: 7 });

  assert.equal(end.code, status.OK, end.details);
  assert.equal(told[0]?.payload?.body.length, 7);
  assert.equal((await proxy.accessLines(1))[0]!["attempts"], 2);
});

// --- gRPC-Web --------------------------------------------------------------------------------------

const frame = (flags: number, bytes: Buffer) => {
  const head = Buffer.alloc(5);
  head[0] = flags;
  head.writeUInt32BE(bytes.length, 1);
  return Buffer.concat([head, bytes]);
};

/** The frames of a body, each with its flags. */
function framesOf(body: Buffer): [flags: number, bytes: Buffer][] {
  const frames: [number, Buffer][] = [];
  for (let at = 0; at < body.length; ) {
    const end = at + 5 + body.readUInt32BE(at + 1);
    frames.push([body[at]!, body.subarray(at + 5, end)]);
    at = end;
  }
  return frames;
}

for (const kind of ["application/grpc-web+proto", "application/grpc-web-text+proto"]) {
  scenario(`grpc: a browser's call of a server that speaks no gRPC-Web (${kind})`, async (it) => {
    const server = await serverOf(it);
    const isText = kind.includes("text");
    await it.proxy(forwardTo(`h2c://127.0.0.1:${server.port}`, { route: "grpcWeb: true" }));
    const { requestSerialize, responseDeserialize, path } = METHODS.output;
    const sizes = [1, 2, 3];
    const asked = { responseParameters: sizes.map((size) => ({ size })) };
    const binary = frame(0, requestSerialize(asked));
    const body = isText ? Buffer.from(binary.toString("base64")) : binary;
    const client = await it.connect();

    client.send(
      `POST ${path} HTTP/1.1\r\nHost: a.test\r\nContent-Type: ${kind}\r\nContent-Length: ${body.length}\r\n\r\n`,
    );
    client.send(body);
    const response = await client.readResponse("POST");

    assert.equal(fieldValue(response.fields, "content-type"), kind);
    const texts = isText ? (response.body.match(/[^=]+=*/g) ?? []) : [];
    const bytes = isText
      ? Buffer.concat(texts.map((text) => Buffer.from(text, "base64")))
      : Buffer.from(response.body, "latin1");
    const frames = framesOf(bytes);
    const told = frames
      .slice(0, -1)
      .map(([, each]) => responseDeserialize(each).payload.body.length);
    assert.deepEqual(told, sizes);
    assert.equal(frames.at(-1)?.[0], 0x80);
    assert.match(frames.at(-1)![1].toString("latin1"), /^grpc-status:0\r\n/);
  });
}
