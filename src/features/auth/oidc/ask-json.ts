import type { Web } from "../../../base/world.ts";

export interface AskOptions {
  readonly roots: string | undefined; // PEM: whom to trust, instead of whom the system trusts
  readonly timeoutMs: number;
}

export interface JsonQuestion {
  readonly method: "GET" | "POST";
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly form?: Readonly<Record<string, string>>;
}

export type JsonAnswer =
  | { readonly kind: "answered"; readonly status: number; readonly value: unknown }
  | { readonly kind: "failed"; readonly why: string };

const ANSWER_BYTES_MAX = 256 * 1024;

/** Never rejects. What is no JSON is no answer, whatever its status. */
export async function askJson(
  web: Web,
  { method, url, headers, form }: JsonQuestion,
  { roots, timeoutMs }: AskOptions,
): Promise<JsonAnswer> {
  const body = form === undefined ? undefined : new URLSearchParams(form).toString();
  const type = { "content-type": "application/x-www-form-urlencoded" };
  try {
    const answer = await web.ask({
      method,
      url,
      headers: { accept: "application/json", ...(body === undefined ? {} : type), ...headers },
      body,
      roots,
      timeoutMs,
      answerBytesMax: ANSWER_BYTES_MAX,
    });
    const value: unknown = JSON.parse(Buffer.from(answer.body).toString("utf8"));
    return { kind: "answered", status: answer.status, value };
  } catch (error) {
    return { kind: "failed", why: error instanceof Error ? error.message : String(error) };
  }
}
