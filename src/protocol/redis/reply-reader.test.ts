import assert from "node:assert/strict";
import { test } from "node:test";
import { commandBytes, RedisFailure, type Reply } from "./reply.ts";
import { ReplyReader } from "./reply-reader.ts";

interface Read {
  readonly replies: Reply[];
  readonly isSound: boolean;
}

function read(pieces: readonly string[]): Read {
  const replies: Reply[] = [];
  const reader = new ReplyReader((reply) => replies.push(reply));
  const isSound = pieces.every((piece) => reader.feed(Buffer.from(piece, "latin1")));
  return { replies, isSound };
}

// biome-ignore format: a table
const sound: [name: string, bytes: string, want: Reply[]][] = [
  ["a status",          "+OK\r\n",                        ["OK"]],
  ["an empty status",   "+\r\n",                          [""]],
  ["a number",          ":-42\r\n",                       [-42]],
  ["a text",            "$5\r\nhe\r\no\r\n",              ["he\r\no"]],
  ["an empty text",     "$0\r\n\r\n",                     [""]],
  ["no text",           "$-1\r\n",                        [undefined]],
  ["no list",           "*-1\r\n",                        [undefined]],
  ["a list",            "*3\r\n:0\r\n$1\r\na\r\n$-1\r\n", [[0, "a", undefined]]],
  ["a list in a list",  "*2\r\n*1\r\n:1\r\n*0\r\n",       [[[1], []]]],
  ["an error",          "-MOVED 3999 127.0.0.1:6381\r\n", [new RedisFailure("MOVED 3999 127.0.0.1:6381")]],
  ["several",           "+a\r\n:1\r\n+b\r\n",             ["a", 1, "b"]],
];

for (const [name, bytes, want] of sound) {
  test(`ReplyReader: ${name}, at every split`, () => {
    assert.deepEqual(read([bytes]), { replies: want, isSound: true });
    assert.deepEqual(read([...bytes]), { replies: want, isSound: true });
    for (let at = 1; at < bytes.length; at++) {
      assert.deepEqual(read([bytes.slice(0, at), bytes.slice(at)]).replies, want, `split at ${at}`);
    }
  });
}

// biome-ignore format: a table
const refused: [name: string, bytes: string][] = [
  ["another protocol",            "HTTP/1.1 400 Bad Request\r\n\r\n"],
  ["a kind that is not known",    "%1\r\n"],
  ["a bare LF",                   "+OK\n"],
  ["a CR with no LF",             "+OK\rx"],
  ["a line without an end",       `+${"a".repeat(5000)}`],
  ["a number that is none",       ":1e3\r\n"],
  ["a number beyond 15 digits",   ":1234567890123456\r\n"],
  ["a text beyond what is asked for", "$65537\r\n"],
  ["a text longer than it says",  "$1\r\nab\r\n"],
  ["a length below -1",           "$-2\r\n"],
  ["a list beyond what is asked for", "*65\r\n"],
  ["lists without a ground",      "*1\r\n*1\r\n*1\r\n*1\r\n:1\r\n"],
  ["an empty line",               "\r\n"],
];

for (const [name, bytes] of refused) {
  test(`ReplyReader: refuses ${name}, at every split, and all that follows`, () => {
    for (const pieces of [[bytes], [...bytes]]) {
      const { replies, isSound } = read([...pieces, "+OK\r\n"]);

      assert.equal(isSound, false);
      assert.deepEqual(replies, []);
    }
  });
}

test("commandBytes: no word can end a command", () => {
  const word = "a\r\n*1\r\n$8\r\nFLUSHALL\r\né";

  assert.equal(
    commandBytes(["GET", word]),
    `*2\r\n$3\r\nGET\r\n$${Buffer.byteLength(word)}\r\n${Buffer.from(word).toString("latin1")}\r\n`,
  );
});

// biome-ignore format: a table
const codes: [message: string, want: string][] = [
  ["MOVED 3999 127.0.0.1:6381", "MOVED"],
  ["NOSCRIPT No matching script.", "NOSCRIPT"],
  ["ERR", "ERR"],
  ["something in small letters", "ERR"],
];

for (const [message, want] of codes) {
  test(`RedisFailure: the code of ${message} is ${want}`, () => {
    assert.equal(new RedisFailure(message).code, want);
  });
}
