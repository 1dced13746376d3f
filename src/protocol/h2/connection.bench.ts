/**
 * What answering a request costs the engine alone, next to node:http2, over a pair of streams in memory:
 * the same client, on our engine too, ten streams at a time.
 *
 *     node src/protocol/h2/connection.bench.ts
 */
import { createServer } from "node:http2";
import { type Duplex, duplexPair } from "node:stream";
import { HeaderList } from "../http/header-list.ts";
import { Connection } from "./connection.ts";
import { readRequest } from "./request-head.ts";
import type { RequestFields, Stream } from "./stream.ts";

const ROUNDS = 9;
const REQUESTS = 5_000;
const STREAMS = 10;
const NO_DROPS = new Uint8Array(256);
const BODY = Buffer.from("hello world");
const HEADERS = HeaderList.of({ server: "x", "content-type": "text/plain" });
const REQUEST: RequestFields = {
  method: "GET",
  scheme: "http",
  authority: "a.test",
  path: "/",
  headers: HeaderList.empty(),
  drop: NO_DROPS,
  more: "",
};
const LIMITS = {
  streamsMax: 100,
  streamsPerConnection: 1e9,
  head: { fieldBytes: 32 * 1024, fieldCount: 100 },
  trailers: { fieldBytes: 8 * 1024, fieldCount: 32 },
};

function answer(stream: Stream): void {
  stream.sendResponse(200, HEADERS, NO_DROPS, String(BODY.length), false);
  stream.send(BODY);
  stream.end(undefined, NO_DROPS);
}

function serveOurs(wire: Duplex): void {
  const connection = new Connection("server", LIMITS, {
    opened(stream, section, isLast) {
      if ("refused" in readRequest(section, isLast, 8192)) throw new Error("refused");
      answer(stream);
    },
    ended: () => wire.end(),
    settingsAcknowledged: () => {},
  });
  const flush = () => {
    connection.fill();
    const bytes = connection.output.take();
    if (bytes !== undefined) wire.write(bytes);
  };
  connection.start();
  flush();
  wire.on("data", (bytes: Buffer) => {
    connection.receive(bytes, performance.now());
    flush();
  });
}

const node = createServer((_request, response) => {
  response.writeHead(200, { server: "x", "content-type": "text/plain" });
  response.end(BODY);
});

const SERVERS: Readonly<Record<string, (wire: Duplex) => void>> = {
  ours: serveOurs,
  "node:http2": (wire) => node.emit("connection", wire),
};

/** A client on our own engine, which is little beside either server. */
class Client {
  readonly #connection: Connection;
  readonly #wire: Duplex;
  #left = 0;
  #done: () => void = () => {};

  constructor(wire: Duplex) {
    this.#wire = wire;
    this.#connection = new Connection("client", LIMITS, {
      opened: () => {},
      ended: () => wire.end(),
      settingsAcknowledged: () => {},
    });
    this.#connection.start();
    wire.on("data", (bytes: Buffer) => {
      this.#connection.receive(bytes, performance.now());
      this.#flush();
    });
  }

  load(requests: number): Promise<void> {
    this.#left = requests;
    return new Promise((resolve) => {
      this.#done = resolve;
      for (let count = 0; count < STREAMS; count++) this.#ask();
      this.#flush();
    });
  }

  #ask(): void {
    const stream = this.#connection.open()!;
    stream.taker = {
      head: () => {
        stream.hasHead = true;
      },
      data: (bytes) => stream.consumed(bytes.length),
      ended: () => this.#answered(),
      reset: (code) => {
        throw new Error(`reset with ${code}`);
      },
      moved: () => {},
      sent: () => {},
    };
    stream.sendRequest(REQUEST, true);
  }

  #answered(): void {
    this.#left--;
    if (this.#left >= STREAMS) this.#ask();
    else if (this.#left === 0) this.#done();
  }

  #flush(): void {
    this.#connection.fill();
    const bytes = this.#connection.output.take();
    if (bytes !== undefined) this.#wire.write(bytes);
  }
}

const times = new Map<string, number[]>(Object.keys(SERVERS).map((name) => [name, []]));
for (let round = 0; round < ROUNDS; round++) {
  for (const [name, serve] of Object.entries(SERVERS)) {
    const [near, far] = duplexPair();
    serve(far);
    const client = new Client(near);
    await client.load(500);
    const from = process.cpuUsage();
    await client.load(REQUESTS);
    const { user, system } = process.cpuUsage(from);
    times.get(name)!.push((user + system) / REQUESTS);
  }
}
for (const [name, each] of times) {
  const median = each.toSorted((a, b) => a - b)[each.length >> 1]!;
  console.log(
    `${name.padEnd(12)} ${median.toFixed(1)} µs of CPU for a request, its client included`,
  );
}
node.close();
