/**
 * An exchange cut after each of its bytes, from either side, by FIN and by RST: the proxy neither
 * falls over nor keeps anything, and no cut message looks whole to the other side.
 */
import assert from "node:assert/strict";
import { eventually } from "../support/deadline.ts";
import type { StartedProxy } from "../support/proxy.ts";
import { firstStatus, forwardTo, GET, OK, type Scenario, scenario } from "../support/scenario.ts";

const REQUEST =
  "POST /x HTTP/1.1\r\nhost: a.test\r\ntransfer-encoding: chunked\r\n\r\n" +
  "5\r\nhello\r\n0\r\nx-sum: 5\r\n\r\n";
const RESPONSE =
  "HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n" +
  "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n" +
  "5\r\nworld\r\n3\r\nend\r\n0\r\nx-sum: 8\r\n\r\n";
const LENGTH_RESPONSE = "HTTP/1.1 200 OK\r\ncontent-length: 8\r\n\r\nworldend";

/** All gauges of work in hand are back at zero, and a new request is served. */
async function isQuiet(it: Scenario, proxy: StartedProxy): Promise<void> {
  assert.equal(
    firstStatus(await it.client(GET.replace("\r\n\r\n", "\r\nconnection: close\r\n\r\n"))),
    200,
  );
  let page = "";
  await eventually(
    async () => {
      page = await proxy.metrics();
      return inHand(page).length === 0 ? true : undefined;
    },
    () => `nothing in hand, but had ${inHand(page).join(", ")}`,
  );
  assert.match(page, /^sluice_bugs_total 0$/m);
}

/** The gauges that tell of work not done, idle upstream connections left out. */
function inHand(page: string): string[] {
  const busy = GAUGES.flatMap((name) => {
    const value = sum(page, name);
    return value === 0 ? [] : [`${name} ${value}`];
  });
  const open = sum(page, "sluice_upstream_connections_open");
  const idle = sum(page, "sluice_upstream_connections_idle");
  return open === idle ? busy : [...busy, `${open - idle} upstream connections`];
}

const GAUGES = [
  "sluice_requests_active",
  "sluice_upstream_requests_active",
  "sluice_connections_open",
];

/** Over all labels. A metric that is not on the page at all would hide what we look for. */
function sum(page: string, name: string): number {
  assert.ok(page.includes(`# TYPE ${name} gauge`), `${name} is on the page`);
  const values = [...page.matchAll(new RegExp(`^${name}(?:\\{[^}]*\\})? (\\d+)$`, "gm"))];
  return values.reduce((total, [, value]) => total + Number(value), 0);
}

for (const how of ["close", "reset"] as const) {
  scenario(
    `abort everywhere: the client's ${how} after every byte of its request`,
    async (it) => {
      const origin = await it.origin(OK);
      const proxy = await it.proxy(forwardTo(origin.url));

      for (let count = 0; count < REQUEST.length; count++) {
        const client = await it.connect();
        await client.sent(REQUEST.slice(0, count));
        client[how]();
      }
      await isQuiet(it, proxy);

      assert.ok(origin.completed.every((each) => each.target === "/"));
    },
    { timeoutMs: 60_000 },
  );

  scenario(
    `abort everywhere: the client's ${how} after every byte of the response`,
    async (it) => {
      const origin = await it.origin(({ target }) => (target === "/x" ? RESPONSE : OK));
      const proxy = await it.proxy(forwardTo(origin.url));

      for (let count = 0; count < RESPONSE.length; count += 3) {
        const client = await it.connect();
        client.send(REQUEST);
        await client.readUntil(new RegExp(`^[\\s\\S]{${count},}`));
        client[how]();
      }

      await isQuiet(it, proxy);
    },
    { timeoutMs: 60_000 },
  );
}

for (const [kind, response] of [
  ["chunked", RESPONSE],
  ["length", LENGTH_RESPONSE],
] as const) {
  for (const how of ["hang up", "reset"] as const) {
    scenario(
      `abort everywhere: the origin's ${how} after every byte of a ${kind} response`,
      async (it) => {
        let script = OK;
        const origin = await it.origin(({ target }) => (target === "/x" ? script : OK));
        const proxy = await it.proxy(forwardTo(origin.url));

        for (let count = 0; count < response.length; count++) {
          script = `${response.slice(0, count)}<wait 1ms><${how}>`;
          const client = await it.connect();
          client.send(REQUEST);
          const final = await client.readResponse().catch(() => undefined);
          assert.ok(
            final === undefined || final.status === 502,
            `after ${count} bytes the client has a whole ${final?.status}`,
          );
          client.close();
        }

        script = OK;
        await isQuiet(it, proxy);
      },
      { timeoutMs: 60_000 },
    );
  }
}
