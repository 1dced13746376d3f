/**
 * What a line of the access log costs, next to the other ways to make one.
 *
 *     node src/observe/access-log.bench.ts
 *
 * All variants are alive at once and take turns, in the other order each round; the figures are
 * medians. The head is parsed anew for each line, as in life: its values are slices.
 */

import { exchangeOf } from "../../test/support/exchange-sample.ts";
import type { Exchange } from "../core/exchange.ts";
import { AccessLog } from "./access-log.ts";
import { LogSink } from "./log-sink.ts";

const ROUNDS = 15;
const LINES = 40_000;
const BATCH = 2_000; // then the sink's write may end

const clock = {
  wallMs: () => Date.now(),
  nowMs: () => performance.now(),
  after: (delayMs: number, fire: () => void) => {
    const timer = setTimeout(fire, delayMs);
    return { cancel: () => clearTimeout(timer) };
  },
};

const sink = await LogSink.open({ destination: "/dev/null", clock, log: undefined });
const log = new AccessLog(clock, sink);

const PLAIN = /^[ !#-[\]-~]*$/;
const quoted = (text: string) => (PLAIN.test(text) ? `"${text}"` : JSON.stringify(text));
const ms = (value: number) => (value > 0 ? Math.round(value * 1000) / 1000 : 0);

/** One string of pieces, one latin1 write. No redaction: an advantage that it does not use. */
function joined(exchange: Exchange): void {
  const { request, client, times } = exchange;
  const line =
    `{"time":"${timeText()}","id":"${exchange.id}","client":"${client.address}","method":"${request.method}",` +
    `"scheme":"${request.scheme}","host":${quoted(request.host)},"path":${quoted(request.path)},` +
    `"query":${quoted(request.query)},"protocol":"HTTP/1.1","status":${exchange.response?.status},` +
    `"site":${quoted(exchange.site?.name ?? "")},"route":${quoted(exchange.route?.name ?? "")},` +
    `"upstream":${quoted(exchange.upstream)},"endpoint":${quoted(exchange.endpoint?.name ?? "")},` +
    `"attempts":${exchange.attempts},"reused":${exchange.connectionReused},` +
    `"bytes_in":${exchange.requestBytes},"bytes_out":${exchange.responseBytes},` +
    `"head_ms":${ms(times.headMs - times.startedMs)},"wait_ms":${ms(times.claimedMs - times.headMs)},` +
    `"connect_ms":${ms(times.connectedMs - times.claimedMs)},` +
    `"upstream_ms":${ms(times.responseMs - times.connectedMs)},` +
    `"total_ms":${ms(times.endedMs - times.startedMs)},` +
    `"user_agent":${quoted(request.headers.get("user-agent") ?? "")},` +
    `"referer":${quoted(request.headers.get("referer") ?? "")}}\n`;
  if (!sink.reserve(line.length)) return;
  sink.commit(sink.at + sink.block.write(line, sink.at, "latin1"));
}

let secondMs = 0;
let second = "";
function timeText(): string {
  const now = Date.now();
  const ofSecond = now % 1000;
  if (now - ofSecond !== secondMs) {
    secondMs = now - ofSecond;
    second = new Date(secondMs).toISOString().slice(0, 20);
  }
  return `${second}${String(ofSecond).padStart(3, "0")}Z`;
}

/** An object and JSON.stringify: what a logger usually does. */
function stringified(exchange: Exchange): void {
  const { request, client, times } = exchange;
  sink.writeLine(
    `${JSON.stringify({
      time: timeText(),
      id: exchange.id,
      client: client.address,
      method: request.method,
      scheme: request.scheme,
      host: request.host,
      path: request.path,
      query: request.query,
      protocol: "HTTP/1.1",
      status: exchange.response?.status,
      site: exchange.site?.name,
      route: exchange.route?.name,
      upstream: exchange.upstream,
      endpoint: exchange.endpoint?.name,
      attempts: exchange.attempts,
      reused: exchange.connectionReused,
      bytes_in: exchange.requestBytes,
      bytes_out: exchange.responseBytes,
      head_ms: ms(times.headMs - times.startedMs),
      wait_ms: ms(times.claimedMs - times.headMs),
      connect_ms: ms(times.connectedMs - times.claimedMs),
      upstream_ms: ms(times.responseMs - times.connectedMs),
      total_ms: ms(times.endedMs - times.startedMs),
      user_agent: request.headers.get("user-agent"),
      referer: request.headers.get("referer"),
    })}\n`,
  );
}

const exchanges = Array.from({ length: 512 }, () => exchangeOf());
const variants: [name: string, run: (exchange: Exchange) => void][] = [
  ["bytes (AccessLog)", (exchange) => log.exchangeEnded(exchange)],
  ["one joined string", joined],
  ["JSON.stringify", stringified],
];
const nsByVariant = new Map<string, number[]>(variants.map(([name]) => [name, []]));

for (let round = 0; round < ROUNDS; round++) {
  const order = round % 2 === 0 ? variants : variants.toReversed();
  for (const [name, run] of order) {
    let spentMs = 0;
    for (let done = 0; done < LINES; done += BATCH) {
      const startedMs = performance.now();
      for (let index = 0; index < BATCH; index++) run(exchanges[(done + index) & 511]!);
      spentMs += performance.now() - startedMs;
      await sink.flush();
    }
    if (round > 1) nsByVariant.get(name)!.push((spentMs / LINES) * 1e6);
  }
}

for (const [name, ns] of nsByVariant) {
  const sorted = ns.toSorted((a, b) => a - b);
  console.log(`${name.padEnd(20)} ${Math.round(sorted[sorted.length >> 1]!)} ns a line`);
}
console.log(`dropped ${sink.dropped}`);
await sink.close();
