import assert from "node:assert/strict";
import { test } from "node:test";
import { SimPeer } from "../../../test/support/sim-peer.ts";
import { SimWorld } from "../../../test/support/sim-world.ts";
import type { Door } from "../../base/world.ts";
import type { SharedTake, SharedVerdict } from "../../core/shared-limits.ts";
import { RedisLimits } from "./redis-limits.ts";
import type { RedisSettings } from "./redis-settings.ts";

const ADDRESS = { host: "10.0.0.5", port: 6379 };
const TAKE: SharedTake = { key: "limit:a", costMs: 10, burstMs: 500, isWarning: false };
const FINE = "*2\r\n:0\r\n:490000\r\n";
const REFUSED = "*2\r\n:1\r\n:-7000\r\n";

type Answer = (connection: SimPeer, words: readonly string[]) => void;

/** A server that takes commands apart and answers each as it is told to. */
class Server {
  readonly world: SimWorld;
  readonly commands: string[][] = [];
  readonly connections: SimPeer[] = [];
  answer: Answer;
  #door: Door | undefined;

  constructor(world: SimWorld, answer: Answer) {
    this.world = world;
    this.answer = answer;
  }

  async open(): Promise<void> {
    this.#door = await this.world.network.listen(ADDRESS, (wire) => {
      const peer = new SimPeer(() => wire, true);
      let at = 0;
      peer.onBytes = () => {
        for (;;) {
          const found = commandAt(peer.text, at);
          if (found === undefined) return;
          at = found.next;
          this.commands.push(found.words);
          this.answer(peer, found.words);
        }
      };
      this.connections.push(peer);
    });
  }

  async shut(): Promise<void> {
    await this.#door?.[Symbol.asyncDispose]();
  }
}

function commandAt(text: string, from: number): { words: string[]; next: number } | undefined {
  const head = /\*(\d+)\r\n/y;
  head.lastIndex = from;
  const count = head.exec(text)?.[1];
  let at = head.lastIndex;
  const words: string[] = [];
  for (let index = 0; index < Number(count); index++) {
    const length = /\$(\d+)\r\n/y;
    length.lastIndex = at;
    const bytes = Number(length.exec(text)?.[1]);
    const start = length.lastIndex;
    if (!(start + bytes + 2 <= text.length)) return undefined;
    words.push(text.slice(start, start + bytes));
    at = start + bytes + 2;
  }
  return count === undefined ? undefined : { words, next: at };
}

/** As a server that has the script. */
function replies(text: string): Answer {
  return (connection, [word]) => connection.send(word?.startsWith("EVAL") ? text : "+OK\r\n");
}

interface Stage {
  readonly world: SimWorld;
  readonly server: Server;
  readonly limits: RedisLimits;
  readonly counts: { answered: number; failed: number; skipped: number; connected: number };
}

async function stage(answer: Answer, settings: Partial<RedisSettings> = {}): Promise<Stage> {
  const world = new SimWorld(1, { latencyMs: 1 });
  const server = new Server(world, answer);
  await server.open();
  const counts = { answered: 0, failed: 0, skipped: 0, connected: 0 };
  const limits = new RedisLimits(
    world,
    {
      address: ADDRESS,
      tls: undefined,
      username: "",
      password: "",
      database: 0,
      prefix: "p:",
      timeoutMs: 50,
      ...settings,
    },
    {
      answered: () => counts.answered++,
      failed: () => counts.failed++,
      skipped: () => counts.skipped++,
      connected: (isConnected) => {
        counts.connected += isConnected ? 1 : -1;
      },
    },
  );
  limits.begin();
  await world.clock.advance(10);
  return { world, server, limits, counts };
}

/** What came of it, and after how long. */
async function ask({ world, limits }: Stage, take = TAKE) {
  const startMs = world.clock.nowMs();
  const promise = limits.take([take]);
  if (promise === undefined) return { verdict: undefined, ms: 0 };
  let end: { verdict: SharedVerdict | undefined; ms: number } | undefined;
  void promise.then((verdict) => {
    end = { verdict, ms: world.clock.nowMs() - startMs };
  });
  for (let step = 0; step < 1000 && end === undefined; step++) await world.clock.advance(1);
  assert.ok(end !== undefined, "an answer within a second");
  return end;
}

test("RedisLimits: greets, loads the script once, and asks by its name", async () => {
  const it = await stage(replies(FINE), { username: "ann", password: "s3cret", database: 3 });

  const { verdict, ms } = await ask(it);

  assert.deepEqual(verdict, { refusedBy: -1, leftMs: [490] });
  assert.ok(ms <= 5);
  const [auth, select, load, evaluated] = it.server.commands;
  assert.deepEqual(auth, ["AUTH", "ann", "s3cret"]);
  assert.deepEqual(select, ["SELECT", "3"]);
  assert.deepEqual(load?.slice(0, 2), ["SCRIPT", "LOAD"]);
  assert.equal(evaluated?.[0], "EVALSHA");
  assert.deepEqual(evaluated?.slice(2), ["1", "p:limit:a", "10000.000", "500000.000", "0"]);
  assert.deepEqual(it.counts, { answered: 1, failed: 0, skipped: 0, connected: 1 });
});

test("RedisLimits: a refusal says by which, and for how long", async () => {
  const it = await stage(replies(REFUSED));

  assert.deepEqual((await ask(it)).verdict, { refusedBy: 0, leftMs: [-7] });
});

test("RedisLimits: a long key goes in as its digest", async () => {
  const it = await stage(replies(FINE));

  await ask(it, { ...TAKE, key: "k".repeat(10_000) });

  assert.equal(it.server.commands.at(-1)![3]!.length, "p:".length + 43);
});

test("RedisLimits: what is asked at once goes out at once, and each gets its own answer", async () => {
  let count = 0;
  const it = await stage((connection, [word]) => {
    connection.send(word === "EVALSHA" ? `*2\r\n:0\r\n:${++count}000\r\n` : "+OK\r\n");
  });

  const promises = Array.from({ length: 50 }, () => it.limits.take([TAKE])!);
  await it.world.clock.advance(20);
  const verdicts = await Promise.all(promises);

  assert.deepEqual(
    verdicts.map((verdict) => verdict?.leftMs[0]),
    Array.from({ length: 50 }, (_, index) => index + 1),
  );
});

test("RedisLimits: a script that was flushed is sent again", async () => {
  const it = await stage((connection, [word]) => {
    if (word === "EVALSHA") connection.send("-NOSCRIPT No matching script.\r\n");
    else connection.send(word === "EVAL" ? FINE : "+OK\r\n");
  });

  assert.deepEqual((await ask(it)).verdict, { refusedBy: -1, leftMs: [490] });
  assert.equal(it.server.connections.length, 1);
});

test("RedisLimits: nobody there: nobody is asked, nobody waits, and it is said once", async () => {
  const it = await stage(replies(FINE));
  await it.server.shut();
  it.server.connections[0]!.close();
  await it.world.clock.advance(5);

  for (let index = 0; index < 100; index++) {
    assert.deepEqual(await ask(it), { verdict: undefined, ms: 0 });
  }
  await it.world.clock.advance(60_000);

  assert.equal(it.counts.skipped, 100);
  assert.equal(it.counts.connected, 0);
  assert.deepEqual(
    it.world.lines.map(({ message, fields }) => [message, fields]),
    [
      [
        "the shared state is away: limits are counted on this machine",
        { address: "10.0.0.5:6379", why: "closed" },
      ],
    ],
  );
});

test("RedisLimits: it is back when the server is, and is said to be", async () => {
  const it = await stage(replies(FINE));
  await it.server.shut();
  it.server.connections[0]!.close();
  await it.world.clock.advance(30_000);

  await it.server.open();
  await it.world.clock.advance(13_000); // at most ten seconds and a quarter between two looks

  assert.deepEqual((await ask(it)).verdict?.leftMs, [490]);
  assert.equal(it.counts.connected, 1);
  assert.equal(it.world.lines.at(-1)!.message, "the shared state is back");
});

// biome-ignore format: a table
const failures: [name: string, answer: string | undefined, within: number, why: string][] = [
  ["stalls",                    undefined,                                    53, "timeout"],
  ["answers with garbage",      "HTTP/1.1 400 Bad Request\r\n\r\n",           5,  "malformed reply"],
  ["is one of a cluster",       "-MOVED 3999 127.0.0.1:6381\r\n",             5,  "MOVED"],
  ["is a replica",              "-READONLY You can't write against a read only replica.\r\n", 5, "READONLY"],
  ["has no memory left",        "-OOM command not allowed\r\n",               5,  "OOM"],
  ["answers something else",    "+OK\r\n",                                    5,  "UNEXPECTED"],
  ["answers with too few",      "*1\r\n:0\r\n",                               5,  "UNEXPECTED"],
  ["answers with a text in it", "*2\r\n:0\r\n$1\r\na\r\n",                    5,  "UNEXPECTED"],
  ["refuses by what was not asked for", "*2\r\n:9\r\n:0\r\n",                 5,  "UNEXPECTED"],
];

for (const [name, text, within, why] of failures) {
  test(`RedisLimits: a server that ${name} holds up no request for longer, and is left alone`, async () => {
    const it = await stage((connection, [word]) => {
      if (word !== "EVALSHA") connection.send("+OK\r\n");
      else if (text !== undefined) connection.send(text);
    });

    const { verdict, ms } = await ask(it);
    const after = await ask(it);

    assert.equal(verdict, undefined);
    assert.ok(ms <= within, `${ms} ms`);
    assert.deepEqual(after, { verdict: undefined, ms: 0 });
    assert.deepEqual(
      it.world.lines.map(({ fields }) => fields["why"]),
      [why],
    );
    assert.equal(it.counts.connected, 0);
  });
}

test("RedisLimits: a connection that is cut mid-flight costs no request its turn", async () => {
  const it = await stage((connection, [word]) => {
    if (word === "EVALSHA") connection.reset();
    else connection.send("+OK\r\n");
  });

  const promises = Array.from({ length: 20 }, () => it.limits.take([TAKE])!);
  await it.world.clock.advance(10);

  assert.deepEqual(await Promise.all(promises), new Array(20).fill(undefined));
  assert.equal(it.counts.failed, 20);
});

test("RedisLimits: an answer that nobody asked for ends the connection", async () => {
  const it = await stage(replies(FINE));

  it.server.connections[0]!.send(FINE);
  await it.world.clock.advance(5);

  assert.equal(it.world.lines[0]!.fields["why"], "unasked reply");
});

// biome-ignore format: a table
const greetings: [name: string, answer: string, why: string][] = [
  ["a wrong password",   "-WRONGPASS invalid username-password pair or user is disabled.\r\n", "WRONGPASS on greeting"],
  ["no password",        "-NOAUTH Authentication required.\r\n", "NOAUTH on greeting"],
  ["a server that is still loading", "-LOADING Redis is loading the dataset in memory\r\n", "LOADING on greeting"],
];

for (const [name, text, why] of greetings) {
  test(`RedisLimits: ${name}: it is said, nobody is asked, and it is tried again later and later`, async () => {
    const it = await stage((connection) => connection.send(text));

    await it.world.clock.advance(60_000);

    assert.equal((await ask(it)).verdict, undefined);
    assert.deepEqual(
      it.world.lines.map(({ fields }) => fields["why"]),
      [why],
    );
    const tries = it.server.connections.length;
    assert.ok(tries >= 8 && tries <= 14, `${tries} tries in a minute`);
  });
}

test("RedisLimits: a server that takes connections and never answers is left alone after two seconds", async () => {
  const it = await stage(() => {});

  await it.world.clock.advance(2_000);

  assert.equal(it.world.lines[0]!.fields["why"], "timeout");
  assert.deepEqual(await ask(it), { verdict: undefined, ms: 0 });
});

test("RedisLimits: more than can be kept in flight is not asked", async () => {
  const it = await stage((connection, [word]) => {
    if (word !== "EVALSHA") connection.send("+OK\r\n");
  });

  const asked = Array.from({ length: 5_000 }, () => it.limits.take([TAKE]));

  assert.equal(asked.filter((each) => each !== undefined).length, 4_096);
  await it.world.clock.advance(100);
  await Promise.all(asked);
});

test("RedisLimits: once it is disposed nothing is left, and whoever waits is answered", async () => {
  const it = await stage((connection, [word]) => {
    if (word !== "EVALSHA") connection.send("+OK\r\n");
  });
  const waiting = it.limits.take([TAKE]);

  it.limits[Symbol.dispose]();
  await it.world.clock.advance(60_000);

  assert.equal(await waiting, undefined);
  assert.equal(it.limits.take([TAKE]), undefined);
  assert.equal(it.world.clock.pendingCount, 0);
  assert.equal(it.server.connections.length, 1);
  assert.ok(it.server.connections[0]!.hasFinished);
});
