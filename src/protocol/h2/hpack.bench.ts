/**
 * What a request's and a response's field blocks cost, as they come on a connection that is in use.
 *
 *     node src/protocol/h2/hpack.bench.ts
 */
import { HeaderList } from "../http/header-list.ts";
import { FieldSection } from "./field-section.ts";
import { HpackDecoder } from "./hpack-decoder.ts";
import { HpackEncoder } from "./hpack-encoder.ts";
import { readRequest } from "./request-head.ts";

const ROUNDS = 15;
const BLOCKS = 100_000;
const NO_DROPS = new Uint8Array(256);
const LIMITS = { fieldBytes: 32 * 1024, fieldCount: 100 };

// Of a browser: all but the path is in the table from the second request on.
const request = HeaderList.of({
  "user-agent": "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
  accept: "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
  "accept-language": "en-US,en;q=0.5",
  "accept-encoding": "gzip, deflate, br, zstd",
  referer: "http://a.test/list",
});
const response = HeaderList.of({
  Server: "x",
  Date: "Mon, 21 Oct 2013 20:13:21 GMT",
  "Content-Type": "application/json; charset=utf-8",
  "Cache-Control": "no-cache",
  ETag: '"6c-18f3a9d2c40"',
  Vary: "Accept-Encoding",
});

function requestBlock(encoder: HpackEncoder, number: number): Buffer {
  encoder.begin();
  encoder.pseudo(":method", "GET");
  encoder.pseudo(":scheme", "http");
  encoder.pseudo(":authority", "a.test");
  encoder.pseudo(":path", `/items/${number % 1000}?page=2`);
  encoder.fields(request, NO_DROPS);
  return Buffer.from(encoder.end());
}

const client = new HpackEncoder();
const blocks = Array.from({ length: 1001 }, (_, number) => requestBlock(client, number));

const VARIANTS: Readonly<Record<string, () => void>> = {
  "decode a request and read it": () => {
    const decoder = new HpackDecoder();
    decode(decoder, blocks[0]!);
    for (let count = 0; count < BLOCKS; count++) decode(decoder, blocks[1 + (count % 1000)]!);
  },
  "encode a response": () => {
    const encoder = new HpackEncoder();
    for (let count = 0; count < BLOCKS; count++) {
      encoder.begin();
      encoder.status(200);
      encoder.fields(response, NO_DROPS);
      encoder.end();
    }
  },
};

function decode(decoder: HpackDecoder, block: Buffer): void {
  const section = new FieldSection(LIMITS, "request");
  decoder.decode(block, 0, block.length, section);
  const facts = readRequest(section, true, 8192);
  if ("refused" in facts) throw new Error(facts.why);
}

const times = new Map<string, number[]>(Object.keys(VARIANTS).map((name) => [name, []]));
for (let round = 0; round < ROUNDS; round++) {
  for (const [name, run] of Object.entries(VARIANTS)) {
    const from = performance.now();
    run();
    times.get(name)!.push(((performance.now() - from) * 1e6) / BLOCKS);
  }
}
for (const [name, each] of times) {
  const median = each.toSorted((a, b) => a - b)[each.length >> 1]!;
  console.log(`${name.padEnd(30)} ${median.toFixed(0)} ns`);
}
