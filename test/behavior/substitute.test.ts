/** substitute over real sockets: with compression, a cache, HEAD, ranges and tags. */
import assert from "node:assert/strict";
import { gunzipSync } from "node:zlib";
import { fieldValue } from "../support/message.ts";
import { forwardTo, scenario } from "../support/scenario.ts";

const RULES =
  "substitute: { replace: [{ find: 'http://old.test', with: 'https://a.test' }, { find: Hello, with: Bye, once: true }] }";

const TEXT = "<p>Hello, Hello <a href='http://old.test/x'>";
const WANTED = "<p>Bye, Hello <a href='https://a.test/x'>";

function page(fields = "", body = TEXT): string {
  return (
    "HTTP/1.1 200 OK\r\ncontent-type: text/html; charset=utf-8\r\n" +
    `etag: "1"\r\naccept-ranges: bytes\r\n${fields}content-length: ${body.length}\r\n\r\n${body}`
  );
}

const get = (fields = "", method = "GET") =>
  `${method} / HTTP/1.1\r\nhost: a.test\r\n${fields}\r\n`;

scenario("substitute: a page, whose length and tag are no longer what they were", async (it) => {
  const origin = await it.origin(page("content-md5: x\r\n"));
  await it.proxy(forwardTo(origin.url, { route: RULES }));
  const client = await it.connect();

  client.send(get("accept-encoding: gzip\r\nrange: bytes=0-3\r\nif-range: x\r\n"));
  const { status, fields, body } = await client.readResponse();
  client.send(get("", "HEAD"));
  const head = await client.readResponse("HEAD");

  assert.equal(status, 200);
  assert.equal(body, WANTED);
  for (const each of [fields, head.fields]) {
    assert.equal(fieldValue(each, "etag"), 'W/"1"');
    for (const name of ["accept-ranges", "content-md5", "content-length"])
      assert.equal(fieldValue(each, name), undefined, name);
  }
  assert.ok(!/accept-encoding|range/i.test(origin.received[0]!.head), origin.received[0]!.head);
});

scenario("substitute: chunks that split what is looked for", async (it) => {
  const chunks = Array.from(TEXT, (letter) => `1\r\n${letter}\r\n<wait 1ms>`).join("");
  const origin = await it.origin(
    `HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ntransfer-encoding: chunked\r\n\r\n${chunks}0\r\n\r\n`,
  );
  await it.proxy(forwardTo(origin.url, { route: RULES }));
  const client = await it.connect();

  client.send(get());

  assert.equal((await client.readResponse()).body, WANTED);
});

scenario("substitute: what goes out is compressed after that, also from the cache", async (it) => {
  const long = TEXT.repeat(200);
  const origin = await it.origin(page("cache-control: max-age=60\r\n", long));
  await it.proxy(forwardTo(origin.url, { route: `${RULES}, compress: true, cache: on` }));
  const wanted = long.replaceAll("http://old.test", "https://a.test").replace("Hello", "Bye");
  const client = await it.connect();

  for (let time = 0; time < 2; time++) {
    client.send(get("accept-encoding: gzip\r\n"));
    const { fields, body } = await client.readResponse();
    assert.equal(fieldValue(fields, "content-encoding"), "gzip");
    assert.equal(gunzipSync(Buffer.from(body, "latin1")).toString(), wanted);
  }

  client.send(get("range: bytes=0-3\r\n"));
  const ranged = await client.readResponse();
  assert.equal(ranged.status, 200);
  assert.equal(ranged.body, wanted);
  assert.equal(origin.received.length, 1);
});

// biome-ignore format: a table
const untouched: [name: string, answer: string][] = [
  ["another type",       page().replace("text/html", "text/plain")],
  ["no type",            page().replace(/content-type: [^\r]*\r\n/, "")],
  ["a compressed one",   page("content-encoding: br\r\n")],
  ["a part",             page("content-range: bytes 0-3/9\r\n").replace("200 OK", "206 Partial Content")],
];

for (const [name, answer] of untouched) {
  scenario(`substitute: left as it is: ${name}`, async (it) => {
    const origin = await it.origin(answer);
    await it.proxy(forwardTo(origin.url, { route: RULES }));
    const client = await it.connect();

    client.send(get());
    const { fields, body } = await client.readResponse();

    assert.equal(body, TEXT);
    assert.equal(fieldValue(fields, "etag"), '"1"');
    assert.equal(fieldValue(fields, "content-length"), `${TEXT.length}`);
  });
}

scenario("substitute: a response that breaks off is cut, not ended", async (it) => {
  const cut = page().replace(/content-length: [0-9]+/, "content-length: 5000");
  const origin = await it.origin(`${cut}<hang up>`);
  await it.proxy(forwardTo(origin.url, { route: RULES }));

  const answer = await it.client(get());

  assert.ok(!answer.endsWith("0\r\n\r\n"), answer);
});
