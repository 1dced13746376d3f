/**
 * A filter that holds a body, asks about it and lets pass or refuses, while either side leaves after
 * every byte: nobody passes without a whole answer, and nothing is left behind.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Exchange } from "../../src/core/exchange.ts";
import type { Reply, Step } from "../../src/core/filter.ts";
import { HeldRequest } from "../../src/core/held-request.ts";
import { Question } from "../../src/core/question.ts";
import { refuse } from "../../src/core/refusal.ts";
import { questionHead } from "../../src/features/auth/forward/question-head.ts";
import { hasBody } from "../../src/protocol/h1/framing.ts";
import { OK, SimProxy, type SimProxyOptions } from "../support/sim-proxy.ts";

const YES = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nX-User: a\r\n\r\nyes";
const CHUNKED_YES = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nyes\r\n0\r\n\r\n";
const TIMEOUT_MS = 3_000;
const HOWS = ["finish", "close", "reset"] as const;
const UNAVAILABLE = { code: "auth_unavailable", detail: "" } as const;

const requests = {
  "a GET": "GET /x HTTP/1.1\r\nHost: a.test\r\n\r\n",
  "a length": "POST /x HTTP/1.1\r\nHost: a.test\r\nContent-Length: 5\r\n\r\nhello",
  chunks:
    "POST /x HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3;a=b\r\nllo\r\n0\r\nX-Sum: 5\r\n\r\n",
};

/** Asks the same origin that serves: by the path one tells what it is asked. */
async function stage(says: string | ((proxy: SimProxy) => void), options: SimProxyOptions = {}) {
  let proxy: SimProxy | undefined;
  const ask = (
    exchange: Exchange,
    body: Buffer | undefined,
    resolve: (reply: Reply | undefined) => void,
  ) => {
    const { worker } = proxy!;
    const route = { ...exchange.route!, phases: { ...exchange.route!.phases, before: [] } };
    const asked = { path: "/verify", query: "", send: undefined, hasBody: body !== undefined };
    const head = questionHead(exchange, { ...asked, method: "same" });
    const tools = { world: worker.world, wheel: worker.wheel, bug: worker.bug.bind(worker) };
    const given = { route, head, body, timeoutMs: TIMEOUT_MS, answerBytesMax: 100 };
    Question.ask(exchange, given, tools, (told) => {
      const isYes = "status" in told && told.status === 200;
      resolve(isYes ? undefined : refuse(exchange, UNAVAILABLE));
    });
  };
  const step = (exchange: Exchange): Step<Reply | undefined> =>
    new Promise((resolve) => {
      if (!hasBody(exchange.downstream.requestFraming)) ask(exchange, undefined, resolve);
      else HeldRequest.begin(exchange, 100, (body) => ask(exchange, body as Buffer, resolve));
    });
  proxy = await SimProxy.start({
    ...options,
    phases: { before: [step] },
    origins: [
      (connection, request) => {
        if (request.startLine.includes("/x")) connection.send(OK);
        else if (typeof says === "string") connection.send(says);
        else says(proxy!);
      },
    ],
  });
  return proxy;
}

const served = (proxy: SimProxy) =>
  proxy.origin.requests.filter(({ startLine }) => startLine.includes("/x"));

for (const [name, request] of Object.entries(requests)) {
  test(`question: ${name}: in pieces of every size it passes, and goes on as it came`, async () => {
    for (let seed = 1; seed <= 40; seed++) {
      const proxy = await stage(seed % 2 === 0 ? YES : CHUNKED_YES, {
        seed,
        network: { splits: true },
      });
      const client = proxy.client();
      for (let at = 0; at < request.length; ) {
        const end = at + 1 + proxy.world.random.below(20);
        client.send(request.slice(at, end));
        at = end;
        await proxy.advance(1);
      }
      await proxy.advance(100);

      assert.match(client.text, /\r\n\r\nok$/, `seed ${seed}`);
      const bodies = proxy.origin.requests.map(({ body }) => body.toString());
      assert.deepEqual(bodies, Array(2).fill(name === "a GET" ? "" : "hello"));
      await proxy.end();
    }
  });

  for (const how of HOWS) {
    test(`question: ${name}: the client's ${how} after every byte of its request`, async () => {
      for (let count = 0; count < request.length; count++) {
        const proxy = await stage(YES, { seed: count * 7 + 1 });
        const client = await proxy.clientWith(request.slice(0, count));
        client[how]();
        await proxy.advance(50);

        assert.equal(served(proxy).length, 0, `at ${count}`);
        await proxy.end();
      }
    });

    test(`question: ${name}: the client's ${how} while the answer is awaited`, async () => {
      const proxy = await stage(() => {}, { seed: 5 });
      const client = await proxy.clientWith(request);
      assert.equal(proxy.origin.requests.length, 1);
      client[how]();
      await proxy.advance(TIMEOUT_MS + 500);

      assert.equal(served(proxy).length, 0);
      assert.equal(proxy.ends.length, 1);
      await proxy.end();
    });

    test(`question: ${name}: the authorizer's ${how} after every byte of its answer`, async () => {
      for (const answer of [YES, CHUNKED_YES]) {
        for (let count = 0; count < answer.length; count++) {
          const proxy = await stage(
            ({ origin, world }) => {
              const { last } = origin;
              last.send(answer.slice(0, count));
              world.clock.after(1, () => last[how]());
            },
            { seed: count * 13 + 5 },
          );
          const client = await proxy.clientWith(request);
          await proxy.advance(TIMEOUT_MS + 500);

          assert.equal(served(proxy).length, 0, `after ${count} bytes somebody passed`);
          assert.match(client.text, /^HTTP\/1\.1 503 /, `at ${count}`);
          assert.deepEqual(proxy.ends, ["auth_unavailable"]);
          await proxy.end();
        }
      }
    });
  }

  test(`question: ${name}: an authorizer that says nothing is waited for so long and no longer`, async () => {
    const proxy = await stage(() => {});
    const client = await proxy.clientWith(request);
    await proxy.advance(TIMEOUT_MS - 100);
    assert.equal(client.text, "");
    await proxy.advance(300);

    assert.match(client.text, /^HTTP\/1\.1 503 /);
    assert.equal(served(proxy).length, 0);
    await proxy.end();
  });

  test(`question: ${name}: everybody leaves at random`, async () => {
    for (let seed = 1; seed <= 80; seed++) {
      const proxy = await stage(
        ({ origin, world }) => {
          const { last } = origin;
          const { random, clock } = world;
          last.send(YES.slice(0, random.below(YES.length + 20)));
          if (random.below(2) === 0)
            clock.after(random.below(30) / 10, () => last[HOWS[random.below(3)]!]());
        },
        { seed, network: { splits: true, kernelBytes: 60 } },
      );
      const { random } = proxy.world;
      const client = await proxy.clientWith(request.repeat(1 + random.below(2)));
      await proxy.advance(random.below(60) / 10);
      client[HOWS[random.below(3)]!]();
      await proxy.advance(TIMEOUT_MS + 1_000);
      await proxy.end();
    }
  });
}
