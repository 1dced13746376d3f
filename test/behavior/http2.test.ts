/** HTTP/2 without TLS, over real sockets, with clients that are not ours. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { once } from "node:events";
import { type ClientHttp2Session, connect, constants, type IncomingHttpHeaders } from "node:http2";
import { promisify } from "node:util";
import { within } from "../support/deadline.ts";
import * as wire from "../support/h2-frames.ts";
import { part, skipWithout } from "../support/parts.ts";
import { faultOf, forwardTo, type Scenario, scenario } from "../support/scenario.ts";

const H2C = { top: 'listeners: { "*": { protocols: [h1, h2c] } }' };
const skip = skipWithout("curl");

interface Answer {
  readonly headers: IncomingHttpHeaders;
  readonly trailers: IncomingHttpHeaders;
  readonly body: string;
}

async function session(it: Scenario, port: number): Promise<ClientHttp2Session> {
  const client = connect(`http://127.0.0.1:${port}`);
  client.on("error", () => {});
  it.defer(() => client.destroy());
  await once(client, "connect");
  return client;
}

/** The whole answer; rejects if the stream is reset. */
function ask(
  client: ClientHttp2Session,
  headers: Record<string, string | string[]>,
  body?: string | Buffer,
): Promise<Answer> {
  const stream = client.request(headers, { endStream: body === undefined });
  if (body !== undefined) stream.end(body);
  const answer = new Promise<Answer>((resolve, reject) => {
    let text = "";
    let head: IncomingHttpHeaders = {};
    let trailers: IncomingHttpHeaders = {};
    stream.setEncoding("latin1");
    stream.on("response", (got) => {
      head = got;
    });
    stream.on("trailers", (got) => {
      trailers = got;
    });
    stream.on("data", (piece: string) => {
      text += piece;
    });
    stream.on("end", () => resolve({ headers: head, trailers, body: text }));
    stream.on("error", reject);
  });
  return within(answer, () => "an answer");
}

const echo = ({ method, target, body }: { method: string; target: string; body: string }) => {
  const text = `${method} ${target} ${body.length}`;
  return `HTTP/1.1 200 OK\r\ncontent-length: ${text.length}\r\n\r\n${method === "HEAD" ? "" : text}`;
};

scenario("http2: a hundred requests at once on one connection", async (it) => {
  const origin = await it.origin(echo);
  const { port } = await it.proxy(forwardTo(origin.url, H2C));
  const client = await session(it, port);

  const answers = await Promise.all(
    Array.from({ length: 100 }, (_, index) => ask(client, { ":path": `/${index}` })),
  );

  assert.deepEqual(
    answers.map(({ body }) => body),
    answers.map((_, index) => `GET /${index} 0`),
  );
});

scenario("http2: a body of 3 MiB goes up, and one of 5 MiB comes down", async (it) => {
  const origin = await it.origin(({ body }) =>
    body === ""
      ? `HTTP/1.1 200 OK\r\ncontent-length: ${5 << 20}\r\n\r\n${"x".repeat(5 << 20)}`
      : `HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n7\r\n${body.length}\r\n0\r\n\r\n`,
  );
  const { port } = await it.proxy(forwardTo(origin.url, H2C));
  const client = await session(it, port);

  const [up, down] = await Promise.all([
    ask(client, { ":method": "POST", ":path": "/up" }, Buffer.alloc(3 << 20, "y")),
    ask(client, { ":path": "/down" }),
  ]);

  assert.equal(up.body, String(3 << 20));
  assert.equal(down.body.length, 5 << 20);
  assert.equal(down.headers["content-length"], String(5 << 20));
});

scenario(
  "http2: trailers of a response, cookies of a request, and no field of one hop",
  async (it) => {
    const origin = await it.origin(
      "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\nkeep-alive: timeout=5\r\nset-cookie: a=1\r\nset-cookie: b=2\r\n\r\n0\r\ngrpc-status: 0\r\n\r\n",
    );
    const { port } = await it.proxy(forwardTo(origin.url, H2C));
    const client = await session(it, port);

    const { headers, trailers } = await ask(client, { cookie: ["a=1", "b=2"], te: "trailers" });

    assert.deepEqual(headers["set-cookie"], ["a=1", "b=2"]);
    assert.equal(headers["keep-alive"], undefined);
    assert.equal(trailers["grpc-status"], "0");
    assert.match(origin.received[0]!.head, /\r\ncookie: a=1; b=2\r\n/);
  },
);

scenario("http2: a client that cancels ends the exchange at the origin", async (it) => {
  const origin = await it.origin("<stall>");
  const proxy = await it.proxy(forwardTo(origin.url, H2C));
  const client = await session(it, proxy.port);
  const stream = client.request({ ":path": "/" });
  stream.on("error", () => {});
  while (origin.received.length === 0) await new Promise(setImmediate);

  stream.close(constants.NGHTTP2_CANCEL);

  assert.equal(await faultOf(proxy), "client_gone");
  assert.equal((await proxy.accessLines(1))[0]!["protocol"], "HTTP/2");
});

scenario("http2: a response that is cut short is an error to the client (S10)", async (it) => {
  const origin = await it.origin("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf<hang up>");
  const { port } = await it.proxy(forwardTo(origin.url, H2C));
  const client = await session(it, port);

  await assert.rejects(ask(client, { ":path": "/" }), /NGHTTP2_INTERNAL_ERROR/);
});

scenario(
  "http2: SIGTERM drains: what is in flight is answered, and the process is gone",
  async (it) => {
    const origin = await it.origin("<wait 400ms>HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
    const proxy = await it.process(forwardTo(origin.url, H2C));
    const client = await session(it, proxy.port);
    const goAway = once(client, "goaway");
    const answer = ask(client, { ":path": "/" });
    while (origin.received.length === 0) await new Promise(setImmediate);

    proxy.child.kill("SIGTERM");

    assert.deepEqual((await within(goAway, () => "GOAWAY")).slice(0, 2), [0, 0x7fffffff]);
    assert.equal((await answer).body, "ok");
    assert.equal(await within(proxy.exit, () => "the exit"), 0);
  },
);

scenario(
  "http2: smuggling ends at the door: no such request reaches the origin (S5)",
  async (it) => {
    const origin = await it.origin(echo);
    const { port } = await it.proxy(forwardTo(origin.url, H2C));
    const client = await it.connect(port);
    const bad: readonly (readonly wire.Pair[])[] = [
      [...wire.POST, ["transfer-encoding", "chunked"]],
      [...wire.POST, ["x", "1\r\nTransfer-Encoding: chunked"]],
      [...wire.POST, ["x: 1\r\nTransfer-Encoding", "chunked"]],
      [[":method", "GET / HTTP/1.1\r\nHost: b\r\n\r\nGET"], ...wire.GET.slice(1)],
      [...wire.GET.slice(0, 2), [":path", "/ HTTP/1.1\r\nHost: b"], [":authority", "a.test"]],
      [...wire.GET.slice(0, 3), [":authority", "a.test\r\nx: y"]],
      [...wire.GET, ["host", "b.test"]],
    ];
    const log = new wire.FrameLog();
    client.send(Buffer.concat([wire.PREFACE, wire.settings()]));

    for (const [index, pairs] of bad.entries()) client.send(wire.headers(2 * index + 1, pairs));
    client.send(wire.headers(99));
    await client.readUntil("GET / 0");
    log.feed(Buffer.from(client.text, "latin1"));

    assert.equal(origin.received.length, 1);
    assert.equal(log.of("HEADERS").filter((line) => / :status=400 /.test(line)).length, bad.length);
    assert.equal(log.of("RST_STREAM").length, bad.length);
  },
);

scenario("http2: behind a PROXY header, and in whatever pieces it comes", async (it) => {
  const origin = await it.origin(echo);
  const config = "{ protocols: [h1, h2c], proxyProtocol: { from: [127.0.0.1] } }";
  const proxy = await it.proxy(forwardTo(origin.url, { top: `listeners: { "*": ${config} }` }));
  const talk = Buffer.concat([
    Buffer.from("PROXY TCP4 203.0.113.9 198.51.100.1 4000 80\r\n"),
    ...[wire.PREFACE, wire.settings(), wire.headers(1)],
  ]);

  for (const at of [0, 20, 45, 47, 60]) {
    const client = await it.connect();
    await client.sent(talk.subarray(0, at));
    client.send(talk.subarray(at));
    await client.readUntil("GET / 0");
    client.close();
  }

  const lines = await proxy.accessLines(5);
  assert.deepEqual(
    lines.map(({ client, protocol }) => `${client} ${protocol}`),
    new Array(5).fill("203.0.113.9 HTTP/2"),
  );
});

async function curl(...args: string[]): Promise<string> {
  const all = ["--silent", "--show-error", "--max-time", "10", "--noproxy", "*"];
  const { stdout } = await promisify(execFile)(part("curl")!, [...all, ...args], {
    encoding: "latin1",
  });
  return stdout;
}

scenario(
  "http2: curl with prior knowledge: GET, HEAD, POST, and HTTP/1 on the same listener",
  async (it) => {
    const origin = await it.origin(echo);
    const { port } = await it.proxy(forwardTo(origin.url, H2C));
    const url = `http://127.0.0.1:${port}`;
    const h2 = "--http2-prior-knowledge";

    assert.equal(await curl(h2, `${url}/a?b=c`), "GET /a?b=c 0");
    assert.match(await curl(h2, "--head", `${url}/h`), /^HTTP\/2 200 /);
    assert.equal(await curl(h2, "--data", "a=b", `${url}/p`), "POST /p 3");
    assert.equal(await curl(`${url}/old`), "GET /old 0");
  },
  { skip },
);
