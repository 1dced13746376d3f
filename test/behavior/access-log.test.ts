/** One line per exchange, whatever became of it, and nothing in it that a client could forge. */
import assert from "node:assert/strict";
import { forwardTo, GET, OK, scenario } from "../support/scenario.ts";

scenario("access log: a line tells who asked for what, and what came of it", async (it) => {
  const origin = await it.origin("HTTP/1.1 201 Made\r\ncontent-length: 7\r\n\r\nanswer!");
  const proxy = await it.proxy(forwardTo(origin.url, { route: "name: everything" }));

  await it.client(
    "POST /a/b?c=d HTTP/1.1\r\nhost: A.test\r\nuser-agent: tester/1\r\nreferer: http://r.test/x\r\n" +
      "content-length: 5\r\n\r\nhello",
  );

  const [line] = await proxy.accessLines(1);
  const { time, id, ...facts } = line!;
  assert.match(String(time), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  assert.match(String(id), /^[0-9A-Za-z-]{10,}$/);
  for (const [name, want] of Object.entries({
    client: "127.0.0.1",
    method: "POST",
    scheme: "http",
    host: "a.test",
    path: "/a/b",
    query: "c=d",
    protocol: "HTTP/1.1",
    status: 201,
    route: "everything",
    upstream: "app",
    endpoint: `127.0.0.1:${origin.port}`,
    attempts: 1,
    reused: false,
    bytes_in: 5,
    bytes_out: 7,
    user_agent: "tester/1",
    referer: "http://r.test/x",
  })) {
    assert.equal(facts[name], want, name);
  }
});

scenario("access log: times add up", async (it) => {
  const origin = await it.origin(`<wait 100ms>${OK}`);
  const proxy = await it.proxy(forwardTo(origin.url));

  await it.client(GET);

  const [line] = await proxy.accessLines(1);
  const totals = Object.entries(line!).filter(([name]) => /_ms$/.test(name));
  const total = Number(Object.fromEntries(totals)["total_ms"]);
  assert.ok(total >= 95 && total < 5_000, `${total} ms`);
  for (const [name, ms] of totals) assert.ok(Number(ms) >= 0 && Number(ms) <= total, name);
});

// biome-ignore format: a table
const hostile: [name: string, agent: string][] = [
  ["quotes and backslashes", '\\" , "status": 200 }'],
  ["a tab",                  "a\tb"],
  ["bytes that are no UTF-8", "\xff\xfe\xc3"],
  ["UTF-8",                  "gr\xc3\xbc\xc3\x9fe"],
  ["a terminal's colors",    "\x9b31m"],
  ["line ends of Unicode",   "\xe2\x80\xa8"],
  ["eight thousand letters", "a".repeat(8000)],
];

for (const [name, agent] of hostile) {
  scenario(`access log: a user agent of ${name} makes one good line (H6)`, async (it) => {
    const origin = await it.origin(OK);
    const proxy = await it.proxy(forwardTo(origin.url));

    await it.client(`GET / HTTP/1.1\r\nhost: a.test\r\nuser-agent: ${agent}\r\n\r\n`);
    await it.client(GET);

    const lines = await proxy.accessLines(2); // parsed as JSON, each of them
    assert.equal(lines.length, 2);
    assert.equal(lines[0]!["status"], 200);
    assert.equal(typeof lines[0]!["user_agent"], "string");
  });
}

scenario("access log: secrets stay out of it (A3)", async (it) => {
  const origin = await it.origin(
    "HTTP/1.1 200 OK\r\nset-cookie: s3cret\r\ncontent-length: 0\r\n\r\n",
  );
  const proxy = await it.proxy(forwardTo(origin.url));

  await it.client(
    "GET /?token=s3cret&a=1&api_key=s3cret HTTP/1.1\r\nhost: a.test\r\ncookie: s3cret\r\n" +
      "authorization: Bearer s3cret\r\nproxy-authorization: s3cret\r\nreferer: http://a.test/?password=s3cret\r\n\r\n",
  );

  const [line] = await proxy.accessLines(1);
  assert.ok(!JSON.stringify(line).includes("s3cret"));
  assert.match(String(line!["query"]), /a=1/);
});

scenario("access log: every request has its line, refused ones too", async (it) => {
  const origin = await it.origin(OK);
  const proxy = await it.proxy(forwardTo(origin.url));

  await it.client(GET.repeat(3), { responses: 3 });
  await it.client("GET / HTTP/1.1\r\nhost : a.test\r\n\r\n");
  await it.client("GET / HTTP/3.0\r\nhost: a.test\r\n\r\n");
  await it.client("BREW / HTTP/1.1\r\n\r\n");

  const lines = await proxy.accessLines(6);
  assert.deepEqual(
    lines.map((line) => line["status"]),
    [200, 200, 200, 400, 505, 400],
  );
  assert.equal(new Set(lines.map((line) => line["id"])).size, 6);
});
