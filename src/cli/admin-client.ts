/** Commands that talk to a running proxy: where it is, and one request to it. */
import { request } from "node:http";
import type { Address } from "../base/world.ts";
import { check } from "../config/check.ts";
import { load } from "../config/load.ts";
import { problemLine } from "../config/problems.ts";
import { vocabulary } from "../features/index.ts";
import type { AnswerIo } from "./command.ts";

/** What every such command takes. */
export const ADMIN_OPTIONS = {
  config: { type: "string", short: "c" },
  admin: { type: "string" },
  token: { type: "string" },
} as const;

export interface AdminWanted {
  readonly config?: string | undefined;
  readonly admin?: string | undefined;
  readonly token?: string | undefined;
}

export interface AdminAnswer {
  readonly status: number;
  readonly body: unknown; // of JSON; text if it is none
}

/** What stands in the way of an answer; the message is for the user. */
export class AdminUnreachable extends Error {
  constructor(message: string) {
    super(message);
    this.name = "Error"; // to whom it is told, no stack is of use
  }
}

const ANSWER_MS = 90_000; // an upgrade may take its minute
const ANSWER_BYTES_MAX = 64 * 1024 * 1024;

/** The admin listener of a running proxy. */
export class AdminClient {
  readonly #address: Address;
  readonly #token: string | undefined;

  /** By what was said, else by the config. Throws if that has no answer. */
  static async find(wanted: AdminWanted, io: AnswerIo): Promise<AdminClient> {
    const envToken = process.env["SLUICE_ADMIN_TOKEN"];
    if (wanted.admin !== undefined) {
      return new AdminClient(parseAdmin(wanted.admin), wanted.token ?? envToken);
    }
    const { config: file } = wanted;
    const loaded = await load({ folder: io.cwd, ...(file === undefined ? {} : { file }) });
    const { config, problems } = check(loaded, vocabulary, { reads: false });
    if (config === undefined) {
      const lines = problems.map(problemLine).join("\n");
      throw new AdminUnreachable(
        `${lines}\nthe config does not say where admin is: use --admin URL`,
      );
    }
    const { admin } = config;
    if (admin === undefined) throw new AdminUnreachable(`admin is off in ${loaded.origin.name}`);
    if (admin.address.port === 0 && !admin.address.host.startsWith("/")) {
      throw new AdminUnreachable(
        "the config leaves the admin's port to the system: use --admin URL",
      );
    }
    return new AdminClient(admin.address, wanted.token ?? envToken ?? admin.token);
  }

  constructor(address: Address, token: string | undefined) {
    this.#address = reachable(address);
    this.#token = token;
  }

  get name(): string {
    const { host, port } = this.#address;
    return host.startsWith("/") ? `unix:${host}` : `${host}:${port}`;
  }

  async ask(method: string, path: string, body?: unknown): Promise<AdminAnswer> {
    const text = body === undefined ? "" : JSON.stringify(body);
    const { status, text: answer } = await this.#send(method, path, text);
    try {
      return { status, body: JSON.parse(answer) };
    } catch {
      return { status, body: answer };
    }
  }

  #send(
    method: string,
    path: string,
    body: string,
  ): Promise<{ readonly status: number; readonly text: string }> {
    const { host, port } = this.#address;
    const where = host.startsWith("/") ? { socketPath: host } : { host, port };
    const headers = {
      host: host.startsWith("/")
        ? "localhost"
        : `${host.includes(":") ? `[${host}]` : host}:${port}`,
      "content-length": Buffer.byteLength(body),
      ...(this.#token === undefined ? {} : { authorization: `Bearer ${this.#token}` }),
    };
    return new Promise((resolve, reject) => {
      const fail = (why: string) => reject(new AdminUnreachable(`${this.name}: ${why}`));
      const asking = request({ ...where, method, path, headers, agent: false }, (response) => {
        let text = "";
        response.setEncoding("utf8");
        response.on("data", (chunk: string) => {
          text += chunk;
          if (text.length > ANSWER_BYTES_MAX) asking.destroy(new Error("the answer has no end"));
        });
        response.on("end", () => resolve({ status: response.statusCode ?? 0, text }));
        response.on("error", (error) => fail(error.message));
      });
      asking.setTimeout(ANSWER_MS, () =>
        asking.destroy(new Error(`no answer in ${ANSWER_MS / 1000} s`)),
      );
      asking.on("error", (error: NodeJS.ErrnoException) => fail(whyUnreachable(error)));
      asking.end(body);
    });
  }
}

function whyUnreachable({ code, message }: NodeJS.ErrnoException): string {
  if (code === "ECONNREFUSED" || code === "ENOENT") {
    return "nobody answers: is sluice running there, with this config?";
  }
  return code === "EACCES" ? "this user may not open the socket" : message;
}

/** What listens everywhere is asked on this machine. */
function reachable({ host, port }: Address): Address {
  if (host === "0.0.0.0") return { host: "127.0.0.1", port };
  return { host: host === "::" ? "::1" : host, port };
}

function parseAdmin(text: string): Address {
  const path = /^unix:(?:\/\/)?(\/.*)$/.exec(text)?.[1];
  if (path !== undefined) return { host: path, port: 0 };
  const url = URL.parse(/^https?:\/\//.test(text) ? text : `http://${text}`);
  if (url === null || url.protocol !== "http:" || url.pathname !== "/") {
    throw new AdminUnreachable(
      `--admin must be such as http://127.0.0.1:2080 or unix:/run/admin.sock, got ${text}`,
    );
  }
  return { host: url.hostname.replace(/^\[|\]$/g, ""), port: Number(url.port || "80") };
}

/** Tells why the proxy refused; the exit code for it. */
export function tellRefusal(name: string, { status, body }: AdminAnswer, io: AnswerIo): 1 {
  const { reason, about } = (typeof body === "object" && body !== null ? body : {}) as {
    readonly reason?: unknown;
    readonly about?: unknown;
  };
  const why = reason === undefined ? `answered ${status}` : `${about} (${reason})`;
  io.stderr.write(`sluice ${name}: ${why}\n`);
  return 1;
}
