/** UDP streams: datagrams go to one endpoint and back, by the client's address and port. */
import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { eventually } from "../support/deadline.ts";
import { scenario } from "../support/scenario.ts";
import { echo, udpClient, udpServer } from "../support/udp.ts";

function udpTo(address: string, extra = ""): string {
  return `{ upstreams: { dns: "${address}" },
    streams: [{ protocol: udp, name: dns, forward: dns ${extra} }] }`;
}

scenario("datagrams of two clients go out and come back, each to its own", async (it) => {
  const dns = await udpServer(it, echo);
  const { port } = await it.proxy(udpTo(dns.address));
  const [one, other] = [await udpClient(it, port), await udpClient(it, port)];

  one.send("a");
  other.send("b");
  await one.has("re:a");
  await other.has("re:b");
  one.send("c");
  await one.has("re:c");

  const ports = dns.received.map(({ from }) => from.port);
  assert.deepEqual([one.got, other.got], [["re:a", "re:c"], ["re:b"]]);
  assert.equal(new Set(ports).size, 2); // a socket for each session, and the same one throughout
});

scenario("an empty datagram and the largest one pass", async (it) => {
  const dns = await udpServer(it, (text, reply) => reply(`had ${text.length}`));
  const { port } = await it.proxy(udpTo(dns.address));
  const client = await udpClient(it, port);

  client.send("");
  await client.has("had 0");
  client.send(Buffer.alloc(65_507, "x"));
  await client.has("had 65507");
});

scenario("responses: 1 ends a session with its answer, and the log has it", async (it) => {
  const dns = await udpServer(it, echo);
  const proxy = await it.proxy(udpTo(dns.address, ", responses: 1"));
  const client = await udpClient(it, proxy.port);

  client.send("abc");
  await client.has("re:abc");
  const [line] = await proxy.accessLines(1);

  assert.deepEqual(
    ["protocol", "stream", "endpoint", "bytes_in", "bytes_out", "fault"].map((key) => line![key]),
    ["udp", "dns", dns.address, 3, 6, undefined],
  );
  assert.match(await proxy.metrics(), /^sluice_stream_sessions_open\{stream="dns"\} 0$/m);
});

scenario("a session without its answer is a failure of the endpoint", async (it) => {
  const dns = await udpServer(it, () => {});
  const proxy = await it.proxy(udpTo(dns.address, ", responses: 1, timeouts: { idle: 300ms }"));
  const client = await udpClient(it, proxy.port);

  client.send("abc");
  const [line] = await proxy.accessLines(1);

  assert.equal(line!["fault"], "datagram_unanswered");
});

scenario(
  "without responses an idle session just ends, and the next datagram begins another",
  async (it) => {
    const dns = await udpServer(it, echo);
    const proxy = await it.proxy(udpTo(dns.address, ", timeouts: { idle: 300ms }"));
    const client = await udpClient(it, proxy.port);

    client.send("a");
    await client.has("re:a");
    const [line] = await proxy.accessLines(1);
    client.send("b");
    await client.has("re:b");

    assert.equal(line!["fault"], undefined);
    assert.notEqual(dns.received[0]!.from.port, dns.received[1]!.from.port);
  },
);

scenario("a port where nobody is: the session ends at once, and so is known", async (it) => {
  const dns = await udpServer(it, echo);
  const nobody = createSocket("udp4");
  nobody.bind(0, "127.0.0.1");
  await once(nobody, "listening");
  const gone = nobody.address().port;
  nobody.close();
  const proxy = await it.proxy(udpTo(`127.0.0.1:${gone}`));
  const client = await udpClient(it, proxy.port);

  client.send("a");
  const [line] = await proxy.accessLines(1);

  assert.equal(line!["fault"], "connect_refused");
  assert.equal(dns.received.length, 0);
});

scenario("a flood of new sessions is refused and counted, and old ones go on", async (it) => {
  const dns = await udpServer(it, echo);
  const proxy = await it.proxy(udpTo(dns.address, ", limits: { sessionsMax: 2 }"));
  const [one, other] = [await udpClient(it, proxy.port), await udpClient(it, proxy.port)];
  one.send("a");
  await one.has("re:a");
  other.send("b");
  await other.has("re:b");

  const flood = await Promise.all(Array.from({ length: 50 }, () => udpClient(it, proxy.port)));
  for (const client of flood) client.send("flood");
  await eventually(
    async () => /code="sessions_full"\} 50/.test(await proxy.metrics()) || undefined,
    () => "50 refusals",
  );
  one.send("c");
  await one.has("re:c");

  assert.deepEqual(
    flood.flatMap(({ got }) => got),
    [],
  );
  assert.equal(dns.received.filter(({ text }) => text === "flood").length, 0);
});

scenario("TCP and UDP share a port number, and a drain lets UDP answer", async (it) => {
  const answers: (() => void)[] = [];
  const dns = await udpServer(it, (text, reply) => answers.push(() => reply(`re:${text}`)));
  const proxy = await it.proxy(udpTo(dns.address, ", responses: 1"));
  const client = await udpClient(it, proxy.port);
  client.send("a");
  await eventually(
    () => answers[0],
    () => "the datagram",
  );

  const stopped = proxy.stop(5_000);
  answers[0]!();
  await client.has("re:a");
  await stopped;
});
