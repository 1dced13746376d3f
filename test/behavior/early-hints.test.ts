/** 103 Early Hints reach clients of HTTP/2 before the response does, whatever the endpoint speaks. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { type ClientHttp2Stream, connect, type IncomingHttpHeaders } from "node:http2";
import type { AddressInfo } from "node:net";
import { within } from "../support/deadline.ts";
import { Http2Origin } from "../support/http2-origin.ts";
import { forwardTo, type Scenario, scenario } from "../support/scenario.ts";

const LINK = "</style.css>; rel=preload; as=style";
const LISTENERS = 'listeners: { "*": { protocols: [h1, h2c] } }';

/** An origin that says its hints at once, and the rest when it is told to. */
interface Hinting {
  readonly url: string;
  respond(): void;
}

async function inHttp1(it: Scenario): Promise<Hinting> {
  let respond = () => {};
  const server = createServer((_request, response) => {
    response.writeEarlyHints({ link: LINK });
    respond = () => response.end("body");
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  it.defer(() => server.close());
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, respond: () => respond() };
}

async function inHttp2(it: Scenario): Promise<Hinting> {
  let respond = () => {};
  const origin = await Http2Origin.open((stream) => {
    stream.additionalHeaders({ ":status": 103, link: LINK });
    respond = () => {
      stream.respond({ ":status": 200 });
      stream.end("body");
    };
  });
  it.defer(() => origin.close());
  return { url: `h2c://127.0.0.1:${origin.port}`, respond: () => respond() };
}

function ask(it: Scenario, port: number): ClientHttp2Stream {
  const client = connect(`http://127.0.0.1:${port}`);
  client.on("error", () => {});
  it.defer(() => client.destroy());
  return client.request({ ":path": "/" });
}

for (const [name, open] of [
  ["HTTP/1", inHttp1],
  ["HTTP/2", inHttp2],
] as const) {
  scenario(
    `early hints: over HTTP/2, from an endpoint of ${name}, ahead of the response`,
    async (it) => {
      const origin = await open(it);
      const { port } = await it.proxy(forwardTo(origin.url, { top: LISTENERS }));
      const stream = ask(it, port);
      let head: IncomingHttpHeaders | undefined;
      stream.on("response", (got) => {
        head = got;
      });

      const [hints] = await within(once(stream, "headers"), () => "the hints");
      const hadHead = head !== undefined;
      origin.respond();
      stream.setEncoding("latin1");
      const [body] = await within(once(stream, "data"), () => "the response");

      assert.deepEqual([hints[":status"], hints["link"]], [103, LINK]);
      assert.equal(hadHead, false);
      assert.deepEqual([head?.[":status"], body], [200, "body"]);
    },
  );
}
