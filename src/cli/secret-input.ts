import type { AnswerIo, Input } from "./command.ts";

const BYTES_MAX = 4_096;
const ENTER = new Set(["\r", "\n", "\u0004"]);
const BACKSPACE = new Set(["\b", "\u007f"]);
const INTERRUPT = "\u0003";

/** A line that nobody should see: of a terminal without an echo, asked for twice; else the first of the input. */
export async function readSecret(prompt: string, io: AnswerIo): Promise<string> {
  const { stdin } = io;
  if (stdin === undefined) throw new Error("there is no input");
  if (stdin.isTTY !== true || stdin.setRawMode === undefined) return await firstLine(stdin);
  const first = await typed(prompt, stdin, io);
  const second = await typed(`${prompt} once more`, stdin, io);
  if (first !== second) throw new Error("the two are not the same");
  return first;
}

async function firstLine(stdin: Input): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of stdin) {
    const piece = Buffer.from(chunk as Uint8Array);
    chunks.push(piece);
    bytes += piece.length;
    if (bytes > BYTES_MAX) throw new Error(`the input is longer than ${BYTES_MAX} bytes`);
    if (piece.includes(0x0a)) break;
  }
  return Buffer.concat(chunks).toString("utf8").split(/\r?\n/, 1)[0]!;
}

async function typed(prompt: string, stdin: Input, io: AnswerIo): Promise<string> {
  io.stderr.write(`${prompt}: `);
  stdin.setRawMode?.(true);
  stdin.resume();
  try {
    return await keysUpToEnter(stdin);
  } finally {
    stdin.setRawMode?.(false);
    stdin.pause();
    io.stderr.write("\n");
  }
}

function keysUpToEnter(stdin: Input): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = "";
    const done = (end: () => void) => {
      stdin.off("data", take);
      end();
    };
    const take = (bytes: Uint8Array) => {
      for (const key of Buffer.from(bytes).toString("utf8")) {
        if (key === INTERRUPT) return done(() => reject(new Error("interrupted")));
        if (ENTER.has(key)) return done(() => resolve(text));
        text = BACKSPACE.has(key) ? [...text].slice(0, -1).join("") : text + key;
      }
    };
    stdin.on("data", take);
  });
}
