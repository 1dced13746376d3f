/** Whatever clients and the origin do: who gets a whole response, coded or not, gets the right one. */
import assert from "node:assert/strict";
import { Seeded } from "../support/seeded.ts";
import { cached, get } from "../support/sim-cached.ts";
import { codings, GZIP, HEAD } from "../support/sim-codings.ts";
import type { SimPeer } from "../support/sim-peer.ts";

for (let seed = 1; seed <= 25; seed++) {
  const random = new Seeded(seed);
  const length = 1 + random.below([2_000, 30_000, 200_000, 1_500_000][random.below(4)]!);
  const text = "0123456789abcdefghijklmnopq".repeat(length / 27 + 1).slice(0, length);
  const isTold = random.below(2) === 0;
  const breaksAt = random.below(4) === 0 ? random.below(length) : length;
  let left = breaksAt < length ? 1 : 0; // responses that break off
  codings(
    `clients that come, stop, go on and leave as they like (seed ${seed})`,
    {
      ...cached(
        (connection) => {
          const framing = isTold ? `Content-Length: ${length}` : "Transfer-Encoding: chunked";
          connection.send(`${HEAD}${framing}\r\n\r\n`);
          const end = left-- > 0 ? breaksAt : length;
          const bytes = 1 + random.below(60_000);
          const step = (at: number): void => {
            if (at >= end) {
              if (end < length) connection.reset();
              else if (!isTold) connection.send("0\r\n\r\n");
              return;
            }
            const part = text.slice(at, Math.min(end, at + bytes));
            const size = part.length.toString(16);
            connection.send(isTold ? part : `${size}\r\n${part}\r\n`);
            later!(random.below(20), () => step(at + bytes));
          };
          step(0);
        },
        { maxObject: random.below(3) === 0 ? "64KiB" : "4MiB" },
      ),
      isQuick: random.below(2) === 0,
      timeouts: { write: 1e9, responseBody: 1e9, responseHead: 1e9 },
      rates: { minBytesPerSecond: 0, graceMs: 0 },
    },
    async (proxy) => {
      let isOver = false;
      later = (ms, act) => proxy.world.clock.after(ms, () => isOver || act());
      const readers: { readonly body: CodedReader; isGone: boolean }[] = [];
      for (let count = 0; count < 40; count++) {
        const client = proxy.client();
        const reader = { body: new CodedReader(client), isGone: false };
        readers.push(reader);
        client.send(random.below(4) === 0 ? get("/") : GZIP);
        await proxy.advance(random.below(15));
        const fate = random.below(6);
        if (fate === 0) {
          reader.isGone = true;
          client.reset();
        } else if (fate <= 2) {
          client.pause();
          later(random.below(400), () => client.resume());
        }
        if (random.below(15) === 0) {
          proxy.cache!.caches.purge({
            kind: "url",
            value: "http://a.test/",
            isSoft: random.below(2) === 0,
          });
        }
      }
      await proxy.advance(60_000);
      isOver = true;

      const stayed = readers.filter(({ isGone }) => !isGone);
      const whole = stayed.filter(({ body }) => body.isWhole);
      for (const { body } of whole) assert.equal(body.text(), text);
      if (breaksAt >= length) assert.equal(whole.length, stayed.length);
      assert.ok(whole.length > 0);
    },
  );
}

let later: ((ms: number, act: () => void) => void) | undefined;

/** Takes one response as it comes, since a peer keeps the first of it alone. */
class CodedReader {
  #raw = "";

  constructor(client: SimPeer) {
    client.onBytes = () => {
      this.#raw += client.text;
      client.text = "";
    };
  }

  get isWhole(): boolean {
    return this.#read()?.isWhole === true;
  }

  text(): string {
    const { body, isCoded } = this.#read()!;
    return isCoded ? body.slice(0, -1) : body; // the encoder's mark
  }

  #read():
    | { readonly body: string; readonly isWhole: boolean; readonly isCoded: boolean }
    | undefined {
    const headEnd = this.#raw.indexOf("\r\n\r\n");
    if (headEnd < 0 || !this.#raw.startsWith("HTTP/1.1 200 ")) return undefined;
    const head = this.#raw.slice(0, headEnd).toLowerCase();
    const isCoded = head.includes("content-encoding: gzip");
    const length = /content-length: (\d+)/.exec(head)?.[1];
    const from = headEnd + 4;
    if (length !== undefined) {
      const body = this.#raw.slice(from);
      return { body, isWhole: body.length === Number(length), isCoded };
    }
    let body = "";
    for (let at = from; ; ) {
      const lineEnd = this.#raw.indexOf("\r\n", at);
      const size = Number.parseInt(this.#raw.slice(at, lineEnd), 16);
      if (lineEnd < 0 || Number.isNaN(size)) return { body, isWhole: false, isCoded };
      if (size === 0) return { body, isWhole: true, isCoded };
      body += this.#raw.slice(lineEnd + 2, lineEnd + 2 + size);
      at = lineEnd + 2 + size + 2;
    }
  }
}
