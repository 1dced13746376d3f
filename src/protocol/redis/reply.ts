/** RESP2, as far as we are spoken to in it: what a server of Redis answers, and how it is asked. */
export type Reply = string | number | undefined | RedisFailure | readonly Reply[];

/** The server says that it would not: "MOVED 3999 127.0.0.1:6381". */
export class RedisFailure {
  readonly message: string;

  constructor(message: string) {
    this.message = message;
  }

  /** "MOVED" */
  get code(): string {
    return /^[A-Z]{1,32}(?= |$)/.exec(this.message)?.[0] ?? "ERR";
  }
}

/** A command as bytes, each word with its length before it, so that no word can end it. */
export function commandBytes(words: readonly string[]): string {
  let out = `*${words.length}\r\n`;
  for (const word of words) {
    const bytes = Buffer.from(word, "utf8").toString("latin1");
    out += `$${bytes.length}\r\n${bytes}\r\n`;
  }
  return out;
}
