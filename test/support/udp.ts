/** Real sockets that send and receive datagrams. */
import { createSocket, type RemoteInfo, type Socket } from "node:dgram";
import { once } from "node:events";
import { eventually } from "./deadline.ts";
import type { Scenario } from "./scenario.ts";

export type Answer = (text: string, reply: (text: string) => void) => void;

export async function udpServer(it: Scenario, answer: Answer) {
  const socket = createSocket("udp4");
  const received: { readonly text: string; readonly from: RemoteInfo }[] = [];
  socket.on("message", (bytes, from) => {
    received.push({ text: bytes.toString(), from });
    answer(bytes.toString(), (text) => socket.send(text, from.port, from.address));
  });
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  it.defer(() => socket.close());
  return { address: `127.0.0.1:${socket.address().port}`, received, socket };
}

export interface UdpClient {
  readonly socket: Socket;
  readonly got: string[];
  send(text: string | Uint8Array): void;
  has(text: string): Promise<void>;
}

export async function udpClient(it: Scenario, port: number): Promise<UdpClient> {
  const socket = createSocket("udp4");
  const got: string[] = [];
  socket.on("message", (bytes) => got.push(bytes.toString()));
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  it.defer(() => socket.close());
  return {
    socket,
    got,
    send: (text) => socket.send(text, port, "127.0.0.1"),
    async has(text) {
      await eventually(
        () => got.includes(text) || undefined,
        () => `${text}, but had ${got.join()}`,
      );
    },
  };
}

export const echo: Answer = (text, reply) => reply(`re:${text}`);
