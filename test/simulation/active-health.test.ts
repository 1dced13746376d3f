/** What active checks ask, what they take for health, and how often. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Upstream } from "../../src/core/upstream.ts";
import type { HttpAsk } from "../../src/upstream/health/check-options.ts";
import { SimChecks } from "../support/sim-checks.ts";
import type { SimAnswer } from "../support/sim-origin.ts";
import type { SimPeer } from "../support/sim-peer.ts";

const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
const BUSY = "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n";
const silent = () => {};

/** We have left, which an origin may see as a FIN first. */
const isOver = ({ isClosed, hasFinished }: SimPeer) => isClosed || hasFinished;

function checking(
  name: string,
  answers: readonly SimAnswer[],
  act: (it: SimChecks) => Promise<void>,
): void {
  test(`active: ${name}`, async () => {
    const it = await SimChecks.open(...answers);
    await act(it);
    await it.end();
  });
}

checking("the first result decides, for better and for worse", [OK, BUSY], async (it) => {
  assert.deepEqual(it.health, ["unknown", "unknown"]);

  it.take();
  await it.advance(100);

  assert.deepEqual(it.health, ["up", "down"]);
  assert.deepEqual(it.said.sort(), ["endpoint is down: status 503", "endpoint is up"]);
});

checking("a request says who asks, and that one is all", [OK], async (it) => {
  it.take({ ask: { headers: [["X-Check", "1"]] } });
  await it.advance(100);

  const { connections } = it.origin;
  assert.equal(
    connections[0]!.text,
    "GET /healthz HTTP/1.1\r\nHost: 10.0.1.1:80\r\nUser-Agent: sluice-health-check\r\n" +
      "X-Check: 1\r\nConnection: close\r\n\r\n",
  );
});

checking("it takes three bad ones to go down and two good ones to come up", [OK], async (it) => {
  it.take({ everyMs: 1_000, everyDownMs: 1_000 });
  await it.advance(500);
  it.origin.answer = BUSY;
  await it.advance(2_000);
  assert.deepEqual(it.health, ["up"]);
  await it.advance(1_000);
  assert.deepEqual(it.health, ["down"]);

  it.origin.answer = OK;
  await it.advance(1_000);
  assert.deepEqual(it.health, ["down"]);
  await it.advance(1_000);

  assert.deepEqual(it.health, ["up"]);
  assert.ok(it.endpoint.state.readySinceMs > 0, "for a slow start");
  const { passed, failed } = it.endpoint.state.checks;
  assert.deepEqual([passed, failed], [3, 3]);
});

checking("a good one between two bad ones keeps an endpoint up", [OK], async (it) => {
  it.take({ everyMs: 1_000, down: 2 });
  await it.advance(500);
  for (const answer of [BUSY, OK, BUSY, OK, BUSY, OK]) {
    it.origin.answer = answer;
    await it.advance(1_000);
  }

  assert.deepEqual(it.health, ["up"]);
});

checking("one that is down may be asked more often", [BUSY], async (it) => {
  it.take({ everyMs: 10_000, everyDownMs: 1_000 });
  await it.advance(5_500);

  assert.equal(it.origin.requests.length, 6);
});

for (const initial of ["up", "down"] as const) {
  checking(`${initial} may be what it begins as`, [silent], async (it) => {
    it.take({ initial });
    assert.deepEqual(it.health, [initial]);

    it.origin.answer = initial === "up" ? BUSY : OK;
    await it.advance(2_500);

    assert.deepEqual(it.health, [initial === "up" ? "down" : "up"]);
  });
}

checking("one that hangs has the whole time and no more, drip or not", [silent], async (it) => {
  it.take({ timeoutMs: 1_000 });
  await it.advance(50);
  for (const letter of OK.slice(0, 18)) {
    it.origin.last.send(letter);
    await it.advance(50);
  }
  assert.deepEqual(it.health, ["unknown"]);
  await it.advance(100);

  assert.deepEqual(it.said, ["endpoint is down: timeout"]);
  assert.ok(isOver(it.origin.last), "the connection is gone");
});

checking("never more than one is under way", [silent], async (it) => {
  it.take({ everyMs: 100, everyDownMs: 100, timeoutMs: 1_000 });
  await it.advance(5_000);

  const open = it.origin.connections.filter((each) => !isOver(each));
  assert.ok(open.length <= 1, `${open.length} at once`);
  assert.ok(it.origin.connections.length <= 6, `${it.origin.connections.length} in all`);
});

// biome-ignore format: a table
const answers: [name: string, answer: SimAnswer, ask: Partial<HttpAsk>, want: string][] = [
  ["204",                    "HTTP/1.1 204 No Content\r\n\r\n",                 {},                                   ""],
  ["a redirect is an answer, and not followed", "HTTP/1.1 302 Found\r\nLocation: /x\r\n\r\n", {},                     ""],
  ["a redirect that is not wanted", "HTTP/1.1 302 Found\r\nLocation: /x\r\n\r\n", { statuses: [[200, 299]] },          "status 302"],
  ["404",                    "HTTP/1.1 404 No\r\n\r\n",                         {},                                   "status 404"],
  ["404 that is wanted",     "HTTP/1.1 404 No\r\n\r\n",                         { statuses: [[200, 200], [404, 404]] }, ""],
  ["an interim response before", `HTTP/1.1 103 Early Hints\r\n\r\n${OK}`,       {},                                   ""],
  ["a header that is there", "HTTP/1.1 200 OK\r\nX-Role: main\r\n\r\n",         { wantedHeaders: [["x-role", "main"]] }, ""],
  ["another header",         "HTTP/1.1 200 OK\r\nX-Role: spare\r\n\r\n",        { wantedHeaders: [["x-role", "main"]] }, "header x-role"],
  ["no such header",         OK,                                                { wantedHeaders: [["x-role", "*"]] }, "header x-role"],
  ["a header by pattern",    "HTTP/1.1 200 OK\r\nX-Role: main2\r\n\r\n",        { wantedHeaders: [["x-role", "~^main[0-9]$"]] }, ""],
  ["a body with the words",  "HTTP/1.1 200 OK\r\n\r\nall is well",              { wantedBody: "well" },               "?"],
  ["a body of a length",     OK,                                                { wantedBody: "ok" },                 ""],
  ["another body",           OK,                                                { wantedBody: "fine" },               "body"],
  ["a body by pattern",      OK,                                                { wantedBody: "~^o.$" },              ""],
  ["a body in chunks",       "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\no\r\n1\r\nk\r\n0\r\n\r\n", { wantedBody: "ok" }, ""],
  ["a body beyond ASCII",    "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n\u00c3\u00bc", { wantedBody: "ü" },        ""],
  ["a long body that has it late", `HTTP/1.1 200 OK\r\nContent-Length: 70002\r\n\r\n${"x".repeat(70_000)}ok`, { wantedBody: "ok" }, "body"],
  ["no body looked at",      "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n",    {},                                   ""],
  ["garbage",                "all is well",                                     {},                                   "response_malformed"],
  ["two lengths",            "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", {},                "response_framing"],
  ["a head without end",     `HTTP/1.1 200 OK\r\nX-A: ${"a".repeat(70_000)}`,   {},                                   "response_head_too_large"],
  ["interim responses without end", "HTTP/1.1 103 Early Hints\r\n\r\n".repeat(20), {},                               "response_interim"],
  ["an upgrade",             "HTTP/1.1 101 Switching Protocols\r\n\r\n",        {},                                   "response_upgrade"],
  ["a hang-up",              (connection) => connection.close(),                {},                                   "closed"],
  ["a reset",                (connection) => connection.reset(),                {},                                   "ECONNRESET"],
];

for (const [name, answer, ask, want] of answers) {
  checking(`${name}: ${want || "good"}`, [answer], async (it) => {
    it.take({ ask, timeoutMs: 1_000, everyMs: 60_000, everyDownMs: 60_000 });
    await it.advance(500);
    if (want === "?") it.origin.last.finish();
    await it.advance(1_000);

    const isGood = want === "" || want === "?";
    assert.deepEqual(it.said, [isGood ? "endpoint is up" : `endpoint is down: ${want}`]);
    assert.ok(isOver(it.origin.last), "the connection is gone");
  });
}

for (let at = 1; at < OK.length; at++) {
  checking(
    `an answer cut at ${at} is none, and in two pieces it is one`,
    [silent, silent],
    async (it) => {
      it.take({ ask: { wantedBody: "ok" }, timeoutMs: 1_000 });
      await it.advance(50);
      for (const { last } of it.origins) last.send(OK.slice(0, at));
      await it.advance(5);
      it.origins[0]!.last.close();
      it.origins[1]!.last.send(OK.slice(at));
      await it.advance(5);

      assert.deepEqual(it.health, ["down", "up"]);
    },
  );
}

checking("an answer without end is not read to its end", [silent], async (it) => {
  it.take({ ask: { wantedBody: "ok" }, timeoutMs: 60_000, everyMs: 60_000, everyDownMs: 60_000 });
  await it.advance(50);
  const { last } = it.origin;
  last.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
  for (let count = 0; count < 20 && !isOver(last); count++) {
    last.send(`2000\r\n${"x".repeat(0x2000)}\r\n`);
    await it.advance(10);
  }

  assert.deepEqual(it.said, ["endpoint is down: body"]);
  assert.ok(isOver(last));
});

checking("a refused connection is a bad one", [OK], async (it) => {
  await it.origin.refuse();
  it.take();
  await it.advance(100);

  assert.deepEqual(it.said, ["endpoint is down: ECONNREFUSED"]);
});

checking("TCP: a connection is enough", [silent], async (it) => {
  it.take({ ask: { kind: "tcp", send: undefined, expect: undefined } });
  await it.advance(100);

  assert.deepEqual(it.health, ["up"]);
  assert.ok(isOver(it.origin.last));
});

// biome-ignore format: a table
const talks: [name: string, pieces: string[], want: string][] = [
  ["the wanted answer",         ["+PONG\r\n"],             "up"],
  ["in pieces",                 ["+P", "O", "NG\r\n", ""], "up"],
  ["another answer, and a FIN", ["-ERR\r\n", "<fin>"],     "down"],
  ["nothing, and a FIN",        ["<fin>"],                 "down"],
  ["nothing at all",            [],                        "down"],
  ["too much of another",       ["x".repeat(70_000)],      "down"],
];

for (const [name, pieces, want] of talks) {
  checking(`TCP: ${name}: ${want}`, [silent], async (it) => {
    it.take({ ask: { kind: "tcp", send: "PING\r\n", expect: "+PONG" }, timeoutMs: 1_000 });
    it.origin.onConnection = (connection) => {
      connection.isReading = false;
    };
    await it.advance(50);
    const { last } = it.origin;
    assert.equal(last.text, "PING\r\n");
    for (const piece of pieces) {
      if (isOver(last)) break;
      if (piece === "<fin>") last.finish();
      else last.send(piece);
      await it.advance(5);
    }
    await it.advance(1_000);

    assert.deepEqual(it.health, [want]);
  });
}

checking("a check that a reload did not change goes on undisturbed", [silent], async (it) => {
  it.take({ timeoutMs: 1_000 });
  await it.advance(100);
  const { last } = it.origin;

  it.take({ timeoutMs: 1_000 });
  await it.advance(100);
  last.send(OK);
  await it.advance(5);

  assert.equal(it.origin.connections.length, 1);
  assert.deepEqual(it.health, ["up"]);
});

checking("a changed check takes over what was known", [BUSY], async (it) => {
  it.take();
  await it.advance(100);
  it.origin.answer = OK;
  it.take({ up: 3, everyDownMs: 1_000 });
  await it.advance(1_500);
  assert.deepEqual(it.health, ["down"], "not the first result any more");
  await it.advance(1_000);

  assert.deepEqual(it.health, ["up"]);
});

checking("an endpoint that nobody checks any more is not down for ever", [BUSY], async (it) => {
  it.take();
  await it.advance(100);
  assert.deepEqual(it.health, ["down"]);

  it.checks.take([]);

  assert.deepEqual(it.health, ["unknown"]);
  await it.advance(60_000);
  assert.equal(it.origin.requests.length, 1);
});

checking("endpoints that join and leave are followed", [OK, OK], async (it) => {
  const all = it.upstream.endpoints;
  let present = all.slice(0, 1);
  it.upstream = {
    name: "app",
    get endpoints() {
      return present;
    },
  } as unknown as Upstream;
  it.take({ everyMs: 1_000 });
  await it.advance(2_500);
  assert.deepEqual(it.health, ["up", "unknown"]);

  present = all.slice(1);
  await it.advance(2_500);

  assert.deepEqual(it.health, ["unknown", "up"]);
  assert.ok(it.origin.requests.length <= 4, `${it.origin.requests.length} requests`);
});

checking(
  "intervals are off by chance, and a start does not ask all at once",
  Array.from({ length: 50 }, () => OK),
  async (it) => {
    it.take({ everyMs: 10_000, jitterPercent: 20 });
    await it.advance(20);
    const soon = it.origins.filter(({ requests }) => requests.length > 0).length;
    assert.ok(soon < 10, `${soon} of 50 within 20 ms`);
    await it.advance(700);
    assert.ok(
      it.health.every((health) => health === "up"),
      "all within a second",
    );

    const seen = new Set<number>();
    for (let ms = 0; ms < 14_000; ms += 100) {
      await it.advance(100);
      if (it.origins.some(({ requests }) => requests.length === 2))
        seen.add(it.origins.filter(({ requests }) => requests.length >= 2).length);
    }
    assert.ok(seen.size > 10, "they came one after the other");
    assert.ok(it.origins.every(({ requests }) => requests.length === 2 || requests.length === 3));
  },
);

checking(
  "so many at once and no more",
  Array.from({ length: 100 }, () => silent),
  async (it) => {
    it.take({ timeoutMs: 10_000 });
    await it.advance(5_000);
    const open = () =>
      it.origins.flatMap(({ connections }) => connections).filter((each) => !isOver(each)).length;
    assert.equal(open(), 64);

    await it.advance(10_000);
    assert.ok(open() <= 64);
    await it.advance(20_000);
    assert.ok(
      it.health.every((health) => health === "down"),
      "each had its turn",
    );
  },
);

checking(
  "one that flaps does not flood the log",
  Array.from({ length: 40 }, () => OK),
  async (it) => {
    it.take({ everyMs: 1_000, everyDownMs: 1_000, up: 1, down: 1 });
    for (let round = 0; round < 9; round++) {
      await it.advance(1_000);
      for (const origin of it.origins) origin.answer = round % 2 === 0 ? BUSY : OK;
    }

    assert.ok(it.said.length <= 40, `${it.said.length} lines of some 360`);
  },
);
