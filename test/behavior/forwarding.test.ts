/** Who asked for what, as the origin hears it: nobody is believed who is not trusted (H2–H4, H6, H7). */
import assert from "node:assert/strict";
import { fieldValue, fieldValues } from "../support/message.ts";
import { faultOf, firstStatus, forwardTo, GET, OK, scenario } from "../support/scenario.ts";

const withFields = (fields: string) => `GET / HTTP/1.1\r\nhost: a.test\r\n${fields}\r\n\r\n`;
const TRUST = "trust: { proxies: [127.0.0.1/32, 10.0.0.0/8, 2001:db8::/32] }";

scenario("forwarding: the origin hears the client's address, scheme, host and port", async (it) => {
  const origin = await it.origin(OK);
  const proxy = await it.proxy(forwardTo(origin.url));

  await it.client("GET / HTTP/1.1\r\nhost: a.test:8080\r\n\r\n");

  const { fields } = origin.received[0]!;
  assert.equal(fieldValue(fields, "x-forwarded-for"), "127.0.0.1");
  assert.equal(fieldValue(fields, "x-forwarded-proto"), "http");
  assert.equal(fieldValue(fields, "x-forwarded-host"), "a.test:8080");
  assert.equal(fieldValue(fields, "x-forwarded-port"), String(proxy.port));
  assert.equal(fieldValue(fields, "forwarded"), undefined);
});

// biome-ignore format: a table
const claims: [name: string, value: string][] = [
  ["Forwarded",                "for=6.6.6.6"],
  ["X-Forwarded-For",          "6.6.6.6"],
  ["x-forwarded-for",          "6.6.6.6, 127.0.0.1"],
  ["X-Forwarded-Proto",        "evil"],
  ["X-Forwarded-Host",         "evil.test"],
  ["X-Forwarded-Port",         "evil"],
  ["X-Forwarded-Prefix",       "/evil"],
  ["X-Forwarded-Server",       "evil"],
  ["X-Forwarded-User",         "evil"],
  ["X-Forwarded-Client-Cert",  "evil"],
  ["X-Real-IP",                "6.6.6.6"],
  ["X-Client-IP",              "6.6.6.6"],
  ["True-Client-IP",           "6.6.6.6"],
  ["CF-Connecting-IP",         "6.6.6.6"],
  ["X-Original-URL",           "/evil"],
  ["X-Original-Host",          "evil.test"],
  ["X-Rewrite-URL",            "/evil"],
  ["X-HTTP-Method-Override",   "evil"],
  ["X-Request-Id",             "evil"],
  ["Proxy",                    "http://evil.test"],
  ["X_Forwarded_For",          "6.6.6.6"],
  ["X_Forwarded-For",          "6.6.6.6"],
  ["X.Forwarded.For",          "6.6.6.6"],
  ["X_Real_IP",                "6.6.6.6"],
  ["X_Request_Id",             "evil"],
  ["X_Forwarded_Proto",        "evil"],
];

for (const [name, value] of claims) {
  scenario(`forwarding: ${name} from a stranger reaches nobody (H3)`, async (it) => {
    const origin = await it.origin(OK);
    const proxy = await it.proxy(forwardTo(origin.url));

    await it.client(withFields(`${name}: ${value}`));

    assert.doesNotMatch(origin.received[0]!.head, /evil|6\.6\.6\.6/);
    assert.equal((await proxy.accessLines(1))[0]!["client"], "127.0.0.1");
  });
}

// biome-ignore format: a table
const walks: [name: string, fields: string, client: string, chain: string][] = [
  ["no claim",                       "x-a: 1",                                            "127.0.0.1",   "127.0.0.1"],
  ["one claim",                      "x-forwarded-for: 6.6.6.6",                          "6.6.6.6",     "6.6.6.6, 127.0.0.1"],
  ["from the right",                 "x-forwarded-for: 6.6.6.6, 7.7.7.7",                 "7.7.7.7",     "6.6.6.6, 7.7.7.7, 127.0.0.1"],
  ["past trusted ones",              "x-forwarded-for: 6.6.6.6, 10.0.0.1",                "6.6.6.6",     "6.6.6.6, 10.0.0.1, 127.0.0.1"],
  ["no further than the first stranger", "x-forwarded-for: 10.0.0.2, 7.7.7.7, 10.0.0.1",  "7.7.7.7",     "10.0.0.2, 7.7.7.7, 10.0.0.1, 127.0.0.1"],
  ["trusted ones only",              "x-forwarded-for: 10.0.0.2, 10.0.0.1",               "10.0.0.2",    "10.0.0.2, 10.0.0.1, 127.0.0.1"],
  ["over two lines",                 "x-forwarded-for: 6.6.6.6\r\nx-forwarded-for: 10.0.0.1", "6.6.6.6", "6.6.6.6, 10.0.0.1, 127.0.0.1"],
  ["without spaces",                 "x-forwarded-for: 6.6.6.6,10.0.0.1",                 "6.6.6.6",     "6.6.6.6,10.0.0.1, 127.0.0.1"],
  ["a word stops it",                "x-forwarded-for: 6.6.6.6, unknown, 10.0.0.1",       "10.0.0.1",    "6.6.6.6, unknown, 10.0.0.1, 127.0.0.1"],
  ["a broken address stops it",      "x-forwarded-for: 6.6.6.6, 10.0.0.256",              "127.0.0.1",   "6.6.6.6, 10.0.0.256, 127.0.0.1"],
  ["an octal look stops it",         "x-forwarded-for: 6.6.6.6, 010.0.0.1",               "127.0.0.1",   "6.6.6.6, 010.0.0.1, 127.0.0.1"],
  ["an empty member stops it",       "x-forwarded-for: 6.6.6.6,, 10.0.0.1",               "10.0.0.1",    "6.6.6.6,, 10.0.0.1, 127.0.0.1"],
  ["IPv6",                           "x-forwarded-for: 2001:db9::1, 2001:db8::7",         "2001:db9::1", "2001:db9::1, 2001:db8::7, 127.0.0.1"],
  ["IPv4 in IPv6 is the IPv4",       "x-forwarded-for: 6.6.6.6, ::ffff:10.0.0.1",         "6.6.6.6",     "6.6.6.6, ::ffff:10.0.0.1, 127.0.0.1"],
];

for (const [name, fields, client, chain] of walks) {
  scenario(`forwarding: from a trusted peer: ${name}`, async (it) => {
    const origin = await it.origin(OK);
    const proxy = await it.proxy(forwardTo(origin.url, { top: TRUST }));

    await it.client(withFields(fields));

    assert.equal(fieldValue(origin.received[0]!.fields, "x-forwarded-for"), chain);
    assert.equal((await proxy.accessLines(1))[0]!["client"], client);
  });
}

scenario("forwarding: a trusted peer's scheme, host, port and id are kept", async (it) => {
  const origin = await it.origin(OK);
  const proxy = await it.proxy(forwardTo(origin.url, { top: TRUST }));

  await it.client(
    withFields(
      "x-forwarded-proto: https\r\nx-forwarded-host: b.test\r\nx-forwarded-port: 443\r\nx-request-id: abc-1",
    ),
  );

  const { fields } = origin.received[0]!;
  assert.equal(fieldValue(fields, "x-forwarded-proto"), "https");
  assert.equal(fieldValue(fields, "x-forwarded-host"), "b.test");
  assert.equal(fieldValue(fields, "x-forwarded-port"), "443");
  assert.equal(fieldValue(fields, "x-request-id"), "abc-1");
  assert.equal((await proxy.accessLines(1))[0]!["id"], "abc-1");
});

scenario(
  "forwarding: even a trusted peer's alias of a field that we set is dropped (H4)",
  async (it) => {
    const origin = await it.origin(OK);
    await it.proxy(forwardTo(origin.url, { top: TRUST }));

    await it.client(withFields("x_forwarded_for: 6.6.6.6\r\nx_request_id: evil"));

    assert.doesNotMatch(origin.received[0]!.head, /6\.6\.6\.6|evil/);
  },
);

scenario("forwarding: every request has an id of its own, in the log and upstream", async (it) => {
  const origin = await it.origin(OK);
  const proxy = await it.proxy(forwardTo(origin.url));

  await it.client(GET.repeat(2), { responses: 2 });

  const ids = origin.received.map((each) => fieldValue(each.fields, "x-request-id"));
  const logged = (await proxy.accessLines(2)).map((line) => line["id"]);
  assert.match(ids[0]!, /^[0-9A-Za-z-]{10,}$/);
  assert.notEqual(ids[0], ids[1]);
  assert.deepEqual(logged, ids);
});

scenario(
  "forwarding: an id that could break a log line is not kept, whoever sends it",
  async (it) => {
    const origin = await it.origin(OK);
    await it.proxy(forwardTo(origin.url, { top: TRUST }));

    await it.client(withFields(`x-request-id: ${"a".repeat(500)}`));
    await it.client(withFields(`x-request-id: a"b\\c`));

    for (const each of origin.received) {
      assert.match(fieldValue(each.fields, "x-request-id")!, /^[0-9A-Za-z._~-]{10,128}$/);
    }
  },
);

scenario("forwarding: two ids are none", async (it) => {
  const origin = await it.origin(OK);
  await it.proxy(forwardTo(origin.url, { top: TRUST }));

  await it.client(withFields("x-request-id: first-of-two\r\nx-request-id: second-of-two"));

  assert.doesNotMatch(fieldValue(origin.received[0]!.fields, "x-request-id")!, /of-two/);
});

scenario("forwarding: `forwarded: true` says it in the words of RFC 7239 too", async (it) => {
  const origin = await it.origin(OK);
  await it.proxy(forwardTo(origin.url, { top: "forwarded: true" }));

  await it.client(withFields("forwarded: for=6.6.6.6"));

  const value = fieldValue(origin.received[0]!.fields, "forwarded");
  assert.match(value!, /^for=127\.0\.0\.1;host="?a\.test"?;proto=http$/);
});

scenario("forwarding: traceparent goes through", async (it) => {
  const origin = await it.origin(OK);
  await it.proxy(forwardTo(origin.url));
  const parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

  await it.client(withFields(`traceparent: ${parent}`));

  assert.match(
    fieldValue(origin.received[0]!.fields, "traceparent")!,
    /^00-0af7651916cd43dd8448eb/,
  );
});

// What is for this hop only stays here, in both directions.
// biome-ignore format: a table
const hops: [name: string, fields: string, gone: RegExp][] = [
  ["Keep-Alive",               "keep-alive: timeout=5",                            /keep-alive/i],
  ["Proxy-Connection",         "proxy-connection: keep-alive",                     /proxy-connection/i],
  ["TE but trailers",          "te: gzip\r\nconnection: te",                       /gzip/i],
  ["listed fields",            "connection: x-a\r\nx-a: 1\r\nx-b: 2",              /x-a|connection: x/i],
  ["listed in other cases",    "connection: X-A , x-B\r\nx-a: 1\r\nX-b: 2",         /x-[ab]/i],
  ["listed over two lines",    "connection: x-a\r\nconnection: x-b\r\nx-a: 1\r\nx-b: 2", /x-[ab]/i],
  ["a listed repeat",          "connection: x-a\r\nx-a: 1\r\nx-a: 2",              /x-a/i],
];

for (const [name, fields, gone] of hops) {
  scenario(`hop-by-hop: ${name}: not upstream`, async (it) => {
    const origin = await it.origin(OK);
    await it.proxy(forwardTo(origin.url));

    const answer = await it.client(withFields(fields));

    assert.equal(firstStatus(answer), 200);
    assert.doesNotMatch(origin.received[0]!.head, gone);
  });

  scenario(`hop-by-hop: ${name}: not downstream`, async (it) => {
    const origin = await it.origin(`HTTP/1.1 200 OK\r\n${fields}\r\ncontent-length: 2\r\n\r\nok`);
    await it.proxy(forwardTo(origin.url));

    const answer = await it.client(GET);

    assert.equal(firstStatus(answer), 200);
    assert.doesNotMatch(answer, gone);
  });
}

scenario("hop-by-hop: listing what we set does not take it away (H2)", async (it) => {
  const origin = await it.origin(OK);
  await it.proxy(forwardTo(origin.url));

  await it.client(withFields("connection: x-forwarded-for, x-request-id, x-forwarded-proto, via"));

  const received = origin.received[0];
  if (received === undefined) return; // `via` listed may be refused as well
  assert.equal(fieldValue(received.fields, "x-forwarded-for"), "127.0.0.1");
  assert.equal(fieldValues(received.fields, "x-request-id").length, 1);
  assert.equal(fieldValue(received.fields, "x-forwarded-proto"), "http");
});

scenario(
  "hop-by-hop: listing a trusted peer's X-Forwarded-For does not hide us (H2)",
  async (it) => {
    const origin = await it.origin(OK);
    await it.proxy(forwardTo(origin.url, { top: TRUST }));

    await it.client(withFields("connection: x-forwarded-for\r\nx-forwarded-for: 6.6.6.6"));

    assert.equal(fieldValue(origin.received[0]!.fields, "x-forwarded-for"), "127.0.0.1");
  },
);

for (const name of ["Host", "Content-Length", "Transfer-Encoding", "Cookie", "Authorization"]) {
  scenario(`hop-by-hop: ${name} in Connection is refused (H2)`, async (it) => {
    const origin = await it.origin(OK);
    const proxy = await it.proxy(forwardTo(origin.url));

    const answer = await it.client(withFields(`connection: close, ${name}`));

    assert.equal(firstStatus(answer), 400);
    assert.equal(await faultOf(proxy), "request_connection");
    assert.equal(origin.received.length, 0);
  });
}

scenario("fields: all others go through as they came, in their order and case", async (it) => {
  const origin = await it.origin(
    "HTTP/1.1 200 OK\r\nX-Zed: 1\r\nSet-Cookie: a=1\r\nset-cookie: b=2\r\nX-Alf: \xe4\r\ncontent-length: 2\r\n\r\nok",
  );
  await it.proxy(forwardTo(origin.url));

  const answer = await it.client(
    withFields("X-Zed: 1\r\nCookie: a=1\r\nX-Alf: D\xfcsseldorf\r\nx-zed:2"),
  );

  assert.match(
    origin.received[0]!.head,
    /X-Zed: 1\r\nCookie: a=1\r\nX-Alf: D\xfcsseldorf\r\nx-zed: ?2\r\n/,
  );
  assert.match(answer, /X-Zed: 1\r\nSet-Cookie: a=1\r\nset-cookie: b=2\r\nX-Alf: \xe4\r\n/);
});
