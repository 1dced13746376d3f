/**
 * Holds idle connections for the idle scenario, in a process of its own so that its memory and its
 * descriptors are nobody else's. Told what to do over the IPC channel, one order at a time.
 */
import { connect, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { BROWSER_HEAD } from "../parts/request-heads.ts";

export type Order =
  | {
      readonly kind: "open";
      readonly port: number;
      readonly count: number;
      readonly isTls: boolean; // and the handshake is over
    }
  | { readonly kind: "ask" };

export interface Outcome {
  readonly open: number; // connections still there
  readonly answered: number; // 200s so far
}

const AT_ONCE = 100; // below every listen backlog
const REQUEST = `GET /small HTTP/1.1\r\nhost: bench.test\r\n${BROWSER_HEAD.join("\r\n")}\r\n\r\n`;

const sockets = new Set<Socket>();
let answered = 0;

process.on("message", async (order: Order) => {
  if (order.kind === "open") await open(order);
  else await askOnAll();
  const outcome: Outcome = { open: sockets.size, answered };
  process.send?.(outcome);
});
process.once("disconnect", () => process.exit(0));

async function open({ port, count, isTls }: Extract<Order, { kind: "open" }>): Promise<void> {
  await inTurn(Array.from({ length: count }), () => openOne(port, isTls));
}

async function askOnAll(): Promise<void> {
  await inTurn([...sockets], askOne);
}

async function inTurn<T>(items: readonly T[], act: (item: T) => Promise<void>): Promise<void> {
  let next = 0;
  const work = async () => {
    while (next < items.length) await act(items[next++]!);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
}

const SECURED = {
  servername: "bench.test",
  rejectUnauthorized: false,
  ALPNProtocols: ["http/1.1"],
};

function openOne(port: number, isTls: boolean): Promise<void> {
  return new Promise((resolve) => {
    const opened = () => {
      sockets.add(socket);
      resolve();
    };
    const socket: Socket = isTls
      ? connectTls({ ...SECURED, port, host: "127.0.0.1" }, opened)
      : connect(port, "127.0.0.1", opened);
    if (isTls) socket.on("data", () => {}); // tickets are to be read, too
    socket.once("error", () => socket.destroy());
    socket.once("close", () => {
      sockets.delete(socket);
      resolve();
    });
  });
}

/** The answer is small, so its last byte comes with the first or the second chunk. */
function askOne(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    let text = "";
    const settle = () => {
      socket.off("data", take);
      socket.off("close", settle);
      resolve();
    };
    const take = (bytes: Buffer) => {
      text += bytes.toString("latin1");
      if (!text.endsWith("}")) return;
      if (text.startsWith("HTTP/1.1 200 ")) answered++;
      settle();
    };
    socket.on("data", take);
    socket.once("close", settle);
    socket.write(REQUEST);
  });
}
