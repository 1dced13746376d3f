/** Calls of gRPC: what becomes of faults, deadlines and retries. */
import assert from "node:assert/strict";
import type { Filter } from "../../src/core/filter.ts";
import { judgedOf } from "../../src/protocol/grpc/status.ts";
import * as wire from "../support/h2-frames.ts";
import { fieldValue } from "../support/message.ts";
import { SimH2Client } from "../support/sim-h2-client.ts";
import { type SimProxy, type SimProxyOptions, simulation } from "../support/sim-proxy.ts";

const { DATA, END_STREAM, frame, headers, POST, RST_STREAM, word } = wire;

const H2 = { protocols: ["h1", "h2c"] } as const;
const CALL: readonly wire.Pair[] = [
  ...POST,
  ["content-type", "application/grpc+proto"],
  ["te", "trailers"],
];
const HEAD =
  "HTTP/1.1 200 OK\r\nContent-Type: application/grpc\r\nTransfer-Encoding: chunked\r\n\r\n";
const MESSAGE = "\0\0\0\0\x02hi";
const CHUNK = `7\r\n${MESSAGE}\r\n`;
const silent = () => {};

/** Sends one call that has all its messages with it. */
async function call(proxy: SimProxy, more: readonly wire.Pair[] = []): Promise<SimH2Client> {
  const client = await SimH2Client.greet(proxy);
  client.send(headers(1, [...CALL, ...more], 0), frame(DATA, END_STREAM, 1, MESSAGE));
  await proxy.advance(20);
  return client;
}

const ID = "[0-9a-z-]+";

/** The answer is a head and nothing else, which says so. */
function assertTold(client: SimH2Client, status: number, code: string): void {
  const [head = "", ...others] = client.log.of("HEADERS 1");
  assert.deepEqual(others, []);
  const told = `grpc-status=${status} grpc-message=${code} \\(request ${ID}\\)`;
  assert.match(
    head,
    new RegExp(`^HEADERS 1 END :status=200 .*content-type=application/grpc ${told}`),
  );
  assert.equal(client.log.data(1), "");
}

// biome-ignore format: a table
const FAULTS: readonly (readonly [code: string, status: number, options: SimProxyOptions])[] = [
  ["reset_before_head",  14, { origins: [(connection) => connection.reset()] }],
  ["response_malformed", 13, { origins: ["nonsense\r\n\r\n"] }],
  ["response_truncated", 14, { origins: [(connection) => { connection.send("HTTP/1.1 200 OK\r\n"); connection.finish(); }] }],
  ["response_timeout",    4, { origins: [silent], timeouts: { responseHead: 5 } }],
  ["request_body_too_large", 8, { limits: { bodyBytes: 5 } }],
];

for (const [code, status, options] of FAULTS) {
  simulation(
    `grpc: ${code} is told in a head with status ${status}`,
    { ...H2, ...options },
    async (proxy) => {
      const client = await call(proxy);
      await proxy.advance(500);

      assertTold(client, status, code);
      assert.equal(proxy.lastOver.grpcStatus, status);
    },
  );
}

simulation("grpc: nobody to connect to is UNAVAILABLE", H2, async (proxy) => {
  await proxy.origin.refuse();

  const client = await call(proxy);

  assertTold(client, 14, "connect_refused");
});

const refusing = (status: number): Required<Pick<Filter, "admit">>["admit"] => {
  return () => ({ status, headers: { "x-why": "so" }, body: "no" });
};

for (const [http, status] of [
  [401, 16],
  [403, 7],
  [404, 12],
  [429, 14],
] as const) {
  simulation(
    `grpc: a filter's ${http} is told with status ${status}, and keeps its fields`,
    { ...H2, phases: { before: [refusing(http)] } },
    async (proxy) => {
      const client = await call(proxy);

      assert.match(
        client.log.of("HEADERS 1")[0]!,
        new RegExp(` x-why=so .*grpc-status=${status} `),
      );
      assert.equal(client.log.data(1), "");
    },
  );
}

simulation(
  "grpc: who asks for anything else gets statuses of HTTP",
  { ...H2, phases: { before: [refusing(403)] } },
  async (proxy) => {
    const client = await SimH2Client.greet(proxy);

    const typed = (type: string): wire.Pair[] => [...POST, ["content-type", type]];
    client.send(headers(1, typed("application/grpcx")), headers(3, typed("application/json")));
    client.send(headers(5, [...wire.GET, ["content-type", "application/grpc"]]));
    await proxy.advance(20);

    assert.deepEqual(client.answers, ["1 403", "3 403", "5 403"]);
  },
);

simulation(
  "grpc: a response that breaks off ends with trailers that say so, and its message stays cut",
  {
    ...H2,
    origins: [
      (connection) => {
        connection.send(`${HEAD}7\r\n${MESSAGE.slice(0, 4)}`);
        connection.finish();
      },
    ],
  },
  async (proxy) => {
    const client = await call(proxy);

    const [, trailers = ""] = client.log.of("HEADERS 1");
    assert.match(trailers, /^HEADERS 1 END grpc-status=14 grpc-message=response_truncated /);
    assert.deepEqual(client.resets, []);
    assert.equal(proxy.lastOver.grpcStatus, 14);
    assert.deepEqual(proxy.ends, ["response_truncated"]);
  },
);

simulation(
  "grpc: one with a length, or whose client takes no trailers, is reset",
  {
    ...H2,
    origins: [
      (connection, { body }) => {
        const isLong = body === "long";
        connection.send(
          isLong ? HEAD : HEAD.replace("Transfer-Encoding: chunked", "Content-Length: 9"),
        );
        connection.send(isLong ? CHUNK : MESSAGE);
        connection.finish();
      },
    ],
  },
  async (proxy) => {
    const client = await call(proxy);
    const plain = CALL.filter(([name]) => name !== "te");
    client.send(headers(3, plain, 0), frame(DATA, END_STREAM, 3, "long"));
    await proxy.advance(20);

    assert.deepEqual(client.resets, ["RST_STREAM 1 INTERNAL_ERROR", "RST_STREAM 3 INTERNAL_ERROR"]);
  },
);

// --- status --------------------------------------------------------------------------------------

for (const [trailer, status] of [
  ["0", 0],
  ["5", 5],
  ["99", 2],
  ["x", 2],
] as const) {
  simulation(
    `grpc: grpc-status ${trailer} in trailers is noted as ${status}`,
    { ...H2, origins: [`${HEAD}${CHUNK}0\r\ngrpc-status: ${trailer}\r\n\r\n`] },
    async (proxy) => {
      const client = await call(proxy);

      assert.equal(client.log.of("HEADERS 1")[1], `HEADERS 1 END grpc-status=${trailer}`);
      assert.equal(proxy.lastOver.grpcStatus, status);
    },
  );
}

// --- deadlines -----------------------------------------------------------------------------------

simulation(
  "grpc: a call ends at its deadline, and the endpoint is let go",
  { ...H2, origins: [silent] },
  async (proxy) => {
    const client = await call(proxy, [["grpc-timeout", "2S"]]);
    await proxy.advance(1_900);
    const before = client.answers.length;
    await proxy.advance(300);

    assert.equal(before, 0);
    assertTold(client, 4, "deadline_exceeded");
    assert.deepEqual(proxy.ends, ["deadline_exceeded"]);
    assert.ok(proxy.origin.last.isClosed || proxy.origin.last.hasFinished);
    assert.deepEqual(proxy.outcomes, ["abandoned"]);
  },
);

simulation(
  "grpc: so does one that has begun to answer, with trailers",
  { ...H2, origins: [(connection) => connection.send(HEAD + CHUNK)] },
  async (proxy) => {
    const client = await call(proxy, [["grpc-timeout", "1500m"]]);
    await proxy.advance(1_700);

    assert.equal(client.log.data(1), MESSAGE);
    assert.match(
      client.log.of("HEADERS 1")[1]!,
      / END grpc-status=4 grpc-message=deadline_exceeded /,
    );
    assert.ok(proxy.origin.last.isClosed || proxy.origin.last.hasFinished);
  },
);

simulation(
  "grpc: endpoints are told what is left, each attempt less",
  {
    ...H2,
    origins: [silent, `${HEAD}0\r\ngrpc-status: 0\r\n\r\n`],
    timeouts: { responseHead: 700 },
    retry: { on: new Set(["timeout"]), nonIdempotent: true },
    replaysBody: true,
  },
  async (proxy) => {
    await call(proxy, [["grpc-timeout", "5S"]]);
    await proxy.advance(2_000);

    const told = proxy.origins.map(({ requests }) =>
      fieldValue(requests[0]!.fields, "grpc-timeout"),
    );
    const [first = 0, second = 0] = told.map((text) => Number.parseInt(text ?? "", 10) / 1_000);
    assert.deepEqual(
      told.map((text) => text?.slice(-1)),
      ["u", "u"],
    );
    assert.ok(first > 4_900 && first <= 5_000, told.join());
    assert.ok(second > 3_500 && second <= 4_300, told.join());
    assert.equal(proxy.lastOver.grpcStatus, 0);
  },
);

// biome-ignore format: a table
const NO_DEADLINE: readonly (readonly wire.Pair[])[] = [
  [["grpc-timeout", "1s"]], [["grpc-timeout", ""]], [["grpc-timeout", "999999999S"]], [["grpc-timeout", "1S"], ["grpc-timeout", "1S"]],
];

for (const pairs of NO_DEADLINE) {
  simulation(
    `grpc: what is no timeout bounds nothing and goes on as it is: ${pairs.map(([, value]) => value)}`,
    { ...H2, origins: [silent] },
    async (proxy) => {
      const client = await call(proxy, pairs);
      await proxy.advance(10_000);

      assert.deepEqual(client.answers, []);
      const sent = proxy.origin.requests[0]!.fields.filter(([name]) => name === "grpc-timeout");
      assert.deepEqual(
        sent.map(([, value]) => value),
        pairs.map(([, value]) => value),
      );
    },
  );
}

simulation(
  "grpc: grpc-timeout of anything else is a field like others",
  { ...H2, origins: [silent] },
  async (proxy) => {
    const client = await SimH2Client.greet(proxy);
    client.send(headers(1, [...wire.GET, ["grpc-timeout", "1S"]]));
    await proxy.advance(5_000);

    assert.deepEqual(client.answers, []);
  },
);

simulation(
  "grpc: a call that ends before its deadline leaves nothing of it",
  { ...H2, origins: [`${HEAD}0\r\ngrpc-status: 0\r\n\r\n`] },
  async (proxy) => {
    const client = await call(proxy, [["grpc-timeout", "1S"]]);
    await proxy.advance(5_000);

    assert.equal(client.log.of("HEADERS 1").length, 2);
    assert.deepEqual(proxy.ends, ["served"]);
  },
);

simulation(
  "grpc: a client that resets its call takes it from the endpoint at once",
  { ...H2, origins: [silent] },
  async (proxy) => {
    const client = await call(proxy, [["grpc-timeout", "60S"]]);

    client.send(frame(RST_STREAM, 0, 1, word(8)));
    await proxy.advance(10);

    assert.ok(proxy.origin.last.isClosed || proxy.origin.last.hasFinished);
    assert.deepEqual(proxy.ends, ["client_gone"]);
  },
);

// --- retries -------------------------------------------------------------------------------------

const refusal = (status: number) =>
  `HTTP/1.1 200 OK\r\nContent-Type: application/grpc\r\nGrpc-Status: ${status}\r\nContent-Length: 0\r\n\r\n`;
const GOOD = `${HEAD}${CHUNK}0\r\ngrpc-status: 0\r\n\r\n`;
const UNAVAILABLE = 14;
const RETRIES = {
  ...H2,
  retry: { statuses: new Set([judgedOf("UNAVAILABLE")!]), nonIdempotent: true },
  replaysBody: true,
} as const;

simulation(
  "grpc: a call that is refused with a status of retry.on is made elsewhere",
  { ...RETRIES, origins: [refusal(UNAVAILABLE), GOOD] },
  async (proxy) => {
    const client = await call(proxy);
    await proxy.advance(500);

    assert.equal(client.log.data(1), MESSAGE);
    assert.equal(proxy.lastOver.grpcStatus, 0);
    assert.deepEqual(
      proxy.origins.map(({ requests }) => requests.map(({ body }) => body)),
      [[MESSAGE], [MESSAGE]],
    );
  },
);

// biome-ignore format: a table
const NOT_RETRIED: readonly (readonly [name: string, options: SimProxyOptions, status: number])[] = [
  ["another status",                  { ...RETRIES, origins: [refusal(8), GOOD] },                               8],
  ["success",                         { ...RETRIES, origins: [refusal(0), GOOD] },                               0],
  ["a status behind the first bytes", { ...RETRIES, origins: [`${HEAD}0\r\ngrpc-status: 14\r\n\r\n`, GOOD] },  14],
  ["without replayBody",              { ...RETRIES, retry: { statuses: RETRIES.retry.statuses }, replaysBody: false, origins: [refusal(14), GOOD] }, 14],
  ["the last attempt",                { ...RETRIES, origins: [refusal(14), refusal(14)], retry: { ...RETRIES.retry, attempts: 2 } }, 14],
];

for (const [name, options, status] of NOT_RETRIED) {
  simulation(`grpc: not retried, and the client's as it is: ${name}`, options, async (proxy) => {
    const client = await call(proxy);
    await proxy.advance(1_000);

    const isLast = name === "the last attempt";
    assert.match(client.log.of("HEADERS 1").at(-1)!, new RegExp(`grpc-status=${status}`));
    assert.equal(proxy.lastOver.grpcStatus, status);
    assert.equal(proxy.origins[1]!.requests.length, isLast ? 1 : 0);
    assert.deepEqual(proxy.ends, ["served"]);
  });
}

simulation(
  "grpc: a drain's deadline is told to calls, whether their answer has begun or not",
  {
    ...H2,
    origins: [
      (connection, { startLine }) =>
        connection.send(startLine.includes("/begun") ? `${HEAD}${CHUNK}` : ""),
    ],
  },
  async (proxy) => {
    const client = await SimH2Client.greet(proxy);
    const begun = CALL.map(
      ([name, value]): wire.Pair => [name, name === ":path" ? "/begun" : value],
    );
    client.send(headers(1, CALL), headers(3, begun), headers(5));
    await proxy.advance(20);

    const drained = proxy.listener.drain(2_000);
    await proxy.advance(2_100);

    assert.deepEqual(await drained, { finished: 0, cut: 1 });
    assertTold(client, 14, "shutting_down");
    assert.equal(client.log.data(3), MESSAGE);
    assert.match(
      client.log.of("HEADERS 3 END")[0] ?? "",
      / grpc-status=14 grpc-message=shutting_down /,
    );
    assert.deepEqual(
      client.resets.filter((line) => !line.endsWith("NO_ERROR")),
      ["RST_STREAM 5 INTERNAL_ERROR"],
    );
    assert.deepEqual(proxy.ends, ["shutting_down", "shutting_down", "shutting_down"]);
  },
);
