import { createServer, type IncomingMessage, type RequestListener, request } from "node:http";
import type { AddressInfo } from "node:net";
import type { Scenario } from "./scenario.ts";

/** A server of node:http that ends with the scenario. */
export async function httpOrigin(it: Scenario, listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  it.defer(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** A config of one route that compresses what that origin answers. */
export const compressing = (url: string, how = "true", limits = "{}") => `
  limits: ${limits}
  upstreams: { app: "${url}" }
  listeners: { "*": { protocols: [h1, h2c] } }
  sites: [{ hosts: ["*"], compress: ${how}, routes: [{ forward: app }] }]
`;

/** Text that is worth compressing and is not the same at any two places. */
export function textOf(length: number): Buffer {
  let text = "";
  for (let line = 0; text.length < length; line++) text += `line ${line} of ${line * 7919}\n`;
  return Buffer.from(text.slice(0, length));
}

/**
 * Answers /N with a text of N bytes, in chunks unless the query says "told". It has the tag "v1" and
 * validates by it.
 */
export const texts: RequestListener = (asked, response) => {
  const [path = "", query] = asked.url!.split("?");
  const body = textOf(Number(path.slice(1)));
  const tags = asked.headers["if-none-match"] ?? "";
  response.setHeader("content-type", "text/plain; charset=utf-8");
  response.setHeader("etag", '"v1"');
  response.setHeader("x-accepted", asked.headers["accept-encoding"] ?? "nothing");
  response.statusCode = tags.split(", ").some((tag) => tag.replace("W/", "") === '"v1"')
    ? 304
    : 200;
  if (query === "told") response.setHeader("content-length", body.length);
  if (response.statusCode === 304 || asked.method === "HEAD") return void response.end();
  if (query !== "told") response.write(body.subarray(0, 1));
  response.end(query === "told" ? body : body.subarray(1));
};

export interface Got {
  readonly message: IncomingMessage;
  readonly body: Buffer; // as it came
}

export interface Asked {
  readonly headers?: Readonly<Record<string, string>>;
  readonly method?: string;
  readonly body?: Buffer;
}

/** Asks on a connection of its own, and takes nothing off the answer. */
export function ask(url: string, { headers = {}, method = "GET", body }: Asked = {}): Promise<Got> {
  return new Promise((resolve, reject) => {
    const asked = request(url, { headers, method, agent: false }, (message) => {
      const pieces: Buffer[] = [];
      message.on("data", (piece: Buffer) => pieces.push(piece));
      message.on("end", () => resolve({ message, body: Buffer.concat(pieces) }));
      message.on("error", reject);
    });
    asked.on("error", reject);
    asked.end(body);
  });
}
