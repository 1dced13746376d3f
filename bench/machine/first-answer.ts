import { connect } from "node:net";
import { setTimeout as delay } from "node:timers/promises";

const RETRY_MS = 2;
const ANSWER_MS = 2_000;

/** Asks until somebody says 200. Answers with the milliseconds waited, or nothing if in vain. */
export async function firstAnswer(
  port: number,
  deadlineMs: number,
  isHopeless: () => boolean,
): Promise<number | undefined> {
  const startedMs = performance.now();
  while (performance.now() - startedMs < deadlineMs) {
    const answer = await ask(port, "/small");
    if (answer.startsWith("HTTP/1.1 200 ")) return performance.now() - startedMs;
    if (isHopeless()) return undefined;
    await delay(RETRY_MS);
  }
  return undefined;
}

/**
 * One request on a connection of its own; what came of the answer, "" if nothing did. The body is
 * one JSON object, so its bracket is the end: not every proxy closes when it was asked to.
 */
export function ask(port: number, target: string): Promise<string> {
  return new Promise((resolve) => {
    let answer = "";
    const socket = connect(port, "127.0.0.1");
    socket.setTimeout(ANSWER_MS, () => socket.destroy());
    socket.once("connect", () => {
      socket.write(`GET ${target} HTTP/1.1\r\nhost: bench.test\r\nconnection: close\r\n\r\n`);
    });
    socket.on("data", (bytes) => {
      answer += bytes.toString("latin1");
      if (answer.includes("}")) socket.destroy();
    });
    socket.once("error", () => socket.destroy());
    socket.once("close", () => resolve(answer));
  });
}
