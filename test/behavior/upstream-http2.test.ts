/** HTTP/2 to endpoints that are not ours, over real sockets, from clients of both kinds. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { once } from "node:events";
import { connect, type IncomingHttpHeaders } from "node:http2";
import { after } from "node:test";
import { promisify } from "node:util";
import { Authority } from "../support/authority.ts";
import { eventually, within } from "../support/deadline.ts";
import { type Http2Answer, Http2Origin } from "../support/http2-origin.ts";
import { part, skipWithout } from "../support/parts.ts";
import { faultOf, forwardTo, GET, type Scenario, scenario } from "../support/scenario.ts";
import { SecureOrigin } from "../support/secure-origin.ts";

const H2C = { top: 'listeners: { "*": { protocols: [h1, h2c] } }' };
const authority = await Authority.create();
const leaf = await authority.issue("DNS:app.test,IP:127.0.0.1");
after(() => authority.remove());
const TLS = { ...H2C, upstream: `tls: { ca: ${authority.caFile} }` };

async function plain(it: Scenario, answer?: Http2Answer): Promise<Http2Origin> {
  const origin = await Http2Origin.open(answer);
  it.defer(() => origin.close());
  return origin;
}

async function secure(it: Scenario, answer?: Http2Answer): Promise<Http2Origin> {
  const { cert, key } = leaf;
  const origin = await Http2Origin.open(answer, { cert, key });
  it.defer(() => origin.close());
  return origin;
}

interface Answered {
  readonly headers: IncomingHttpHeaders;
  readonly trailers: IncomingHttpHeaders;
  readonly body: string;
}

async function ask(
  it: Scenario,
  port: number,
  headers: Record<string, string>,
  body?: string,
): Promise<Answered> {
  const client = connect(`http://127.0.0.1:${port}`);
  client.on("error", () => {});
  it.defer(() => client.destroy());
  const stream = client.request(headers, { endStream: body === undefined });
  if (body !== undefined) stream.end(body);
  let text = "";
  let head: IncomingHttpHeaders = {};
  let trailers: IncomingHttpHeaders = {};
  stream.on("response", (got) => {
    head = got;
  });
  stream.on("trailers", (got) => {
    trailers = got;
  });
  stream.setEncoding("latin1");
  stream.on("data", (piece: string) => {
    text += piece;
  });
  await within(once(stream, "end"), () => "an answer");
  return { headers: head, trailers, body: text };
}

interface StatusOf {
  readonly upstreams: readonly {
    readonly endpoints: readonly { readonly health: string; readonly scheme: string }[];
  }[];
}

const statusOf = (answer: string) => Number(/^HTTP\/1\.1 (\d{3}) /.exec(answer)?.[1]);

// --- the four combinations: HTTP/1 to HTTP/1 is most of the other tests --------------------------

scenario("upstream http2: from HTTP/1 without TLS", async (it) => {
  const origin = await plain(it);
  await it.proxy(forwardTo(`h2c://127.0.0.1:${origin.port}`));

  const answer = await it.client(
    "POST /x?y HTTP/1.1\r\nhost: a.test\r\ncontent-length: 3\r\n\r\nabc",
  );

  assert.match(answer, /^HTTP\/1\.1 200 OK\r\nx-authority: a\.test\r\n/);
  assert.match(answer, /POST \/x\?y 3/);
});

scenario("upstream http2: from HTTP/2, over TLS that must speak it", async (it) => {
  const origin = await secure(it);
  const { port } = await it.proxy(forwardTo(`h2://127.0.0.1:${origin.port}`, TLS));

  const { headers, body } = await ask(it, port, { ":method": "POST", ":path": "/z" }, "1234");

  assert.equal(headers[":status"], 200);
  assert.equal(body, "POST /z 4");
  assert.equal(origin.requests[0]?.headers[":scheme"], "https");
});

scenario("upstream http2: from HTTP/2 to an endpoint in HTTP/1", async (it) => {
  const origin = await it.origin("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
  const { port } = await it.proxy(forwardTo(origin.url, H2C));

  const { body } = await ask(it, port, { ":path": "/" });

  assert.equal(body, "ok");
});

// --- ALPN ----------------------------------------------------------------------------------------

scenario("upstream http2: https:// speaks HTTP/2 where the endpoint does", async (it) => {
  const origin = await secure(it);
  await it.proxy(forwardTo(`https://127.0.0.1:${origin.port}`, TLS));

  const answers = await Promise.all(Array.from({ length: 50 }, () => it.client(GET)));

  assert.ok(answers.every((answer) => statusOf(answer) === 200));
  assert.equal(origin.requests.length, 50);
  assert.equal(origin.sessions.length, 1);
});

for (const alpn of [["http/1.1"], undefined]) {
  const what = alpn === undefined ? "has no ALPN" : "says http/1.1";
  scenario(
    `upstream http2: https:// speaks HTTP/1 where the endpoint ${what}, and remembers`,
    async (it) => {
      const { cert, key } = leaf;
      const origin = await SecureOrigin.open({ cert, key, ALPNProtocols: alpn! });
      it.defer(() => origin.close());
      await it.proxy(forwardTo(origin.url, TLS));

      const answers = await Promise.all(Array.from({ length: 10 }, () => it.client(GET)));
      answers.push(await it.client(GET));

      assert.ok(answers.every((answer) => statusOf(answer) === 200));
      assert.equal(
        origin.connections.reduce((sum, { requests }) => sum + requests, 0),
        11,
      );
      assert.ok(origin.connections.length <= 10);
    },
  );

  scenario(
    `upstream http2: h2:// wants HTTP/2 and nothing else; the endpoint ${what}`,
    async (it) => {
      const { cert, key } = leaf;
      const origin = await SecureOrigin.open({ cert, key, ALPNProtocols: alpn! });
      it.defer(() => origin.close());
      const proxy = await it.proxy(forwardTo(`h2://127.0.0.1:${origin.port}`, TLS));

      const answer = await it.client(GET);

      assert.equal(statusOf(answer), 502);
      assert.equal(await faultOf(proxy), "upstream_tls_failed");
      assert.equal(
        origin.connections.reduce((sum, { requests }) => sum + requests, 0),
        0,
      );
    },
  );
}

scenario("upstream http2: many at once begin before there is a connection", async (it) => {
  const origin = await plain(it);
  const { port } = await it.proxy(forwardTo(`h2c://127.0.0.1:${origin.port}`, H2C));
  const client = connect(`http://127.0.0.1:${port}`);
  it.defer(() => client.destroy());
  const bodies = Array.from({ length: 100 }, (_, index) => {
    const stream = client.request({ ":path": `/${index}` });
    stream.setEncoding("latin1");
    return new Promise((resolve) => {
      let text = "";
      stream.on("data", (piece: string) => {
        text += piece;
      });
      stream.on("end", () => resolve(text));
    });
  });

  assert.deepEqual(
    await Promise.all(bodies),
    bodies.map((_, index) => `GET /${index} 0`),
  );
  assert.equal(origin.sessions.length, 1);
});

// --- messages ------------------------------------------------------------------------------------

scenario("upstream http2: bodies of some MiB go both ways", async (it) => {
  const origin = await secure(it, (stream, { body }) => {
    stream.respond({ ":status": 200 });
    stream.end(body + body);
  });
  const { port } = await it.proxy(forwardTo(`h2://127.0.0.1:${origin.port}`, TLS));
  const body = Buffer.alloc(3 << 20, "0123456789abcdef").toString("latin1");

  const { body: twice } = await ask(it, port, { ":method": "POST", ":path": "/" }, body);
  const answer = await it.client(
    `POST / HTTP/1.1\r\nhost: a.test\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
  );

  assert.ok(twice === body + body);
  assert.ok(answer.length > 2 * body.length && statusOf(answer) === 200);
});

scenario("upstream http2: early hints are passed on", async (it) => {
  const origin = await plain(it, (stream) => {
    stream.additionalHeaders({ ":status": 103, link: "</a.css>" });
    stream.respond({ ":status": 200 }, { endStream: true });
  });
  await it.proxy(forwardTo(`h2c://127.0.0.1:${origin.port}`));
  const client = await it.connect();
  client.send(GET);
  await client.readUntil("0\r\n\r\n");

  assert.match(
    client.text,
    /^HTTP\/1\.1 103 Early Hints\r\nlink: <\/a\.css>\r\n\r\nHTTP\/1\.1 200 OK/,
  );
});

scenario("upstream http2: trailers go both ways", async (it) => {
  const origin = await plain(it, (stream) => {
    stream.respond({ ":status": 200 }, { waitForTrailers: true });
    stream.on("wantTrailers", () => stream.sendTrailers({ "x-sum": "4" }));
    stream.end("body");
  });
  await it.proxy(forwardTo(`h2c://127.0.0.1:${origin.port}`));
  const client = await it.connect();

  client.send(GET);
  await client.readUntil("x-sum: 4\r\n\r\n");
  client.send(
    "POST / HTTP/1.1\r\nhost: a.test\r\ntransfer-encoding: chunked\r\n\r\n1\r\nx\r\n0\r\nX-End: yes\r\n\r\n",
  );
  await client.readUntil(/(?:x-sum: 4\r\n\r\n[\s\S]*){2}/);

  assert.equal(origin.requests[1]?.trailers["x-end"], "yes");
});

scenario("upstream http2: HEAD, 204 and 304 have no body", async (it) => {
  const origin = await plain(it, (stream, { headers }) => {
    const status = Number(headers[":path"]?.slice(1));
    stream.respond({ ":status": status, "x-one": "1" }, { endStream: true });
  });
  await it.proxy(forwardTo(`h2c://127.0.0.1:${origin.port}`));
  const client = await it.connect();

  const got = [];
  for (const [method, path] of [
    ["HEAD", "/200"],
    ["GET", "/204"],
    ["GET", "/304"],
    ["GET", "/200"],
  ]) {
    client.send(`${method} ${path} HTTP/1.1\r\nhost: a.test\r\n\r\n`);
    const { body } = await client.readResponse(method);
    got.push(body);
  }

  assert.deepEqual(got, ["", "", "", ""]);
});

scenario(
  "upstream http2: a client that leaves in the middle of a body resets the endpoint's stream",
  async (it) => {
    const origin = await plain(it);
    const reset = new Promise<number>((resolve) => {
      origin.onStream = (stream) => {
        stream.respond({ ":status": 200 });
        const timer = setInterval(() => stream.write("more"), 5);
        stream.on("close", () => {
          clearInterval(timer);
          resolve(stream.rstCode);
        });
      };
    });
    await it.proxy(forwardTo(`h2c://127.0.0.1:${origin.port}`));
    const client = await it.connect();
    client.send(GET);
    await client.readUntil("more");
    client.socket.destroy();

    assert.equal(await within(reset, () => "a reset"), 8); // CANCEL
  },
);

scenario(
  "upstream http2: an endpoint that leaves with GOAWAY costs nobody anything",
  async (it) => {
    const origin = await plain(it);
    await it.proxy(forwardTo(`h2c://127.0.0.1:${origin.port}`));
    const answers: string[] = [];
    for (let count = 0; count < 20; count++) {
      answers.push(await it.client(GET));
      if (count % 5 === 4) origin.sessions.at(-1)?.close();
    }

    assert.ok(answers.every((answer) => statusOf(answer) === 200));
    assert.ok(origin.sessions.length >= 4);
  },
);

scenario(
  "upstream http2: a reload that takes the endpoint away closes the connection in peace",
  async (it) => {
    const origin = await plain(it);
    const other = await plain(it);
    const proxy = await it.proxyHere(forwardTo(`h2c://127.0.0.1:${origin.port}`));
    await it.client(GET);
    const closed = once(origin.sessions[0]!, "close");
    const goAway = once(origin.sessions[0]!, "goaway");

    await proxy.reload(forwardTo(`h2c://127.0.0.1:${other.port}`));

    const [code] = await within(goAway, () => "GOAWAY");
    await within(closed, () => "the end of the connection");
    assert.equal(code, 0);
    assert.equal(statusOf(await it.client(GET)), 200);
  },
);

for (const scheme of ["h2c", "h2", "https"]) {
  scenario(`upstream http2: active checks over ${scheme}:// ask in HTTP/2`, async (it) => {
    const answer: Http2Answer = (stream, { headers }) => {
      stream.respond(
        { ":status": headers[":path"] === "/healthz" ? 204 : 500 },
        { endStream: true },
      );
    };
    const origin = await (scheme === "h2c" ? plain(it, answer) : secure(it, answer));
    const active =
      "health: { active: { path: /healthz, every: 50ms, timeout: 1s, expect: { status: [204] } } }";
    const tls = scheme === "h2c" ? "" : `${TLS.upstream}, `;
    const url = `${scheme}://127.0.0.1:${origin.port}`;
    const proxy = await it.proxyHere(forwardTo(url, { upstream: tls + active }));

    const [endpoint] = await eventually(
      async () => {
        const { upstreams } = (await proxy.status()) as unknown as StatusOf;
        return upstreams[0]!.endpoints[0]!.health === "up" ? upstreams[0]!.endpoints : undefined;
      },
      () => `an endpoint that is up, but ${JSON.stringify(origin.requests[0])}`,
    );

    assert.equal(endpoint!.scheme, scheme);
    assert.equal(origin.requests[0]?.headers["user-agent"], "sluice-health-check");
  });
}

scenario("upstream http2: protocols pins what https:// may be", async (it) => {
  const origin = await secure(it);
  const upstream = `${TLS.upstream}, protocols: [h1]`;
  const proxy = await it.proxy(forwardTo(`https://127.0.0.1:${origin.port}`, { upstream }));

  await it.client(GET);

  // Node's server without allowHTTP1 turns away who does not speak HTTP/2.
  assert.match(await faultOf(proxy), /^(?:upstream_tls_failed|reset_before_head)$|^$/);
  assert.equal(origin.requests.length, 0);
});

scenario("upstream http2: a connection beyond its age takes no more requests", async (it) => {
  const origin = await plain(it);
  const upstream = "timeouts: { upstreamAge: 100ms }";
  await it.proxy(forwardTo(`h2c://127.0.0.1:${origin.port}`, { upstream }));
  await it.client(GET);
  await within(once(origin.sessions[0]!, "close"), () => "the end of the connection");

  assert.equal(statusOf(await it.client(GET)), 200);
  assert.equal(origin.sessions.length, 2);
});

scenario(
  "upstream http2: curl at both ends of the line",
  async (it) => {
    const origin = await secure(it);
    const { port } = await it.proxy(forwardTo(`https://127.0.0.1:${origin.port}`, TLS));
    const run = promisify(execFile);
    const curl = part("curl")!;

    const flags = ["--http1.1", "--http2-prior-knowledge"];
    const answers = await Promise.all(
      flags.map((flag) => run(curl, ["-sS", flag, "-d", "abc", `http://127.0.0.1:${port}/c`])),
    );

    assert.deepEqual(
      answers.map(({ stdout }) => stdout),
      ["POST /c 3", "POST /c 3"],
    );
  },
  { skip: skipWithout("curl") },
);
