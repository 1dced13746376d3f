/** Requests with bodies before an authorizer: they wait, or are shown to it. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:http2";
import { authorized, getFrom, YES } from "../support/authorized.ts";
import { eventually } from "../support/deadline.ts";
import { faultOf, firstStatus, OK, scenario } from "../support/scenario.ts";

scenario("forward: a body waits until there is a yes, and then goes on whole", async (it) => {
  const { origin, authorizer } = await authorized(it, `<at head><wait 50ms>${YES}`);
  const body = "x".repeat(100_000);

  const answer = await it.client(
    `POST / HTTP/1.1\r\nhost: a.test\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
  );

  assert.equal(firstStatus(answer), 200);
  assert.ok(!/content-length|content-type/i.test(authorizer.received[0]!.head));
  assert.equal(origin.received[0]!.body.toString(), body);
});

for (const framing of ["a length", "chunks", "100-continue"]) {
  scenario(
    `forward: a body with ${framing} can be shown to it, and goes on as it came`,
    async (it) => {
      const { origin, authorizer } = await authorized(
        it,
        YES,
        ", method: same, body: 1KiB, path: /check",
      );
      const client = await it.connect();
      const head = "POST /x HTTP/1.1\r\nhost: a.test\r\ncontent-type: text/plain\r\n";

      if (framing === "chunks") {
        client.send(`${head}transfer-encoding: chunked\r\n\r\n5\r\nhello\r\n`);
        client.send("6\r\n world\r\n0\r\n\r\n");
      } else if (framing === "a length") {
        client.send(`${head}content-length: 11\r\n\r\nhello`);
        client.send(" world");
      } else {
        client.send(`${head}expect: 100-continue\r\ncontent-length: 11\r\n\r\n`);
        await client.readMessage();
        client.send("hello world");
      }
      const { status } = await client.readMessage();

      assert.equal(status, 200);
      const [asked] = authorizer.received;
      assert.match(asked!.head, /^POST \/check HTTP/);
      assert.match(asked!.head, /\r\ncontent-type: text\/plain\r\n/i);
      assert.equal(asked!.body.toString(), "hello world");
      assert.equal(origin.received[0]!.body.toString(), "hello world");
    },
  );
}

scenario(
  "forward: a body larger than that is refused, whether its length is told or not",
  async (it) => {
    const { origin, authorizer, proxy } = await authorized(it, YES, ", method: same, body: 1KiB");
    const text = "x".repeat(1_025);

    const told = await it.client(
      `POST / HTTP/1.1\r\nhost: a.test\r\ncontent-length: 1025\r\n\r\n${text}`,
    );
    const untold = await it.client(
      `POST / HTTP/1.1\r\nhost: a.test\r\ntransfer-encoding: chunked\r\n\r\n401\r\n${text}\r\n0\r\n\r\n`,
    );
    const largest = await it.client(
      `POST / HTTP/1.1\r\nhost: a.test\r\ncontent-length: 1024\r\n\r\n${text.slice(1)}`,
    );
    const none = await it.client(getFrom());

    assert.deepEqual([told, untold, largest, none].map(firstStatus), [413, 413, 200, 200]);
    assert.equal(await faultOf(proxy), "request_body_too_large");
    assert.equal(authorizer.received.length, 2);
    assert.equal(origin.received[0]!.body.length, 1_024);
  },
);

scenario(
  "forward: a client that leaves in the middle of its body is asked about by nobody",
  async (it) => {
    const { authorizer, proxy } = await authorized(it, YES, ", method: same, body: 1KiB");
    const client = await it.connect();
    client.send("POST / HTTP/1.1\r\nhost: a.test\r\ncontent-length: 100\r\n\r\nhello");

    client.reset();

    assert.match(await faultOf(proxy), /^(?:client_gone|request_truncated)$/);
    assert.equal(authorizer.received.length, 0);
  },
);

scenario(
  "forward: over HTTP/2, with a body and without, and a stream that is reset",
  async (it) => {
    const origin = await it.origin(OK);
    const authorizer = await it.origin([YES, YES, "<at head><stall>"]);
    const { port } = await it.proxy(`
    listeners: { "*": { protocols: [h1, h2c] } }
    upstreams: { app: "${origin.url}", authz: "${authorizer.url}" }
    sites:
      - hosts: ["*"]
        routes: [{ forward: app, auth: { forward: { to: authz, method: same, body: 1KiB } } }]`);
    const session = connect(`http://127.0.0.1:${port}`);
    it.defer(() => session.destroy());
    const ask = (method: string, body?: string) => {
      const head = { ":method": method, ":path": "/x" };
      const stream = session.request(head, { endStream: body === undefined });
      if (body !== undefined) stream.end(body);
      stream.resume();
      return stream;
    };

    const [got] = (await once(ask("GET"), "response")) as [Record<string, unknown>];
    const [posted] = (await once(ask("POST", "hello"), "response")) as [Record<string, unknown>];
    const left = ask("GET");
    await eventually(
      () => authorizer.received[2],
      () => "the question",
    );
    left.close();
    await eventually(
      () => authorizer.connections.some(({ ended, wasReset }) => ended || wasReset) || undefined,
      () => "the question to end",
    );

    assert.deepEqual([got[":status"], posted[":status"]], [200, 200]);
    assert.equal(authorizer.received[1]!.body.toString(), "hello");
    assert.equal(origin.received[1]!.body.toString(), "hello");
    session.destroy();
  },
);
