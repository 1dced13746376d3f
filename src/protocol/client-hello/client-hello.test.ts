import assert from "node:assert/strict";
import { test } from "node:test";
import { SeededRandom } from "../../base/seeded-random.ts";
import {
  CLIENT_HELLO_BYTES_MAX,
  ClientHelloReader,
  type ReadHello,
} from "./client-hello-reader.ts";

function u8(...bytes: number[]): Buffer {
  return Buffer.from(bytes);
}

/** Its own length before it. */
function part(lengthBytes: 1 | 2 | 3, ...pieces: Buffer[]): Buffer {
  const body = Buffer.concat(pieces);
  const head = Buffer.alloc(lengthBytes);
  head.writeUIntBE(body.length, 0, lengthBytes);
  return Buffer.concat([head, body]);
}

function serverName(...names: string[]): Buffer {
  const list = names.map((name) => Buffer.concat([u8(0), part(2, Buffer.from(name, "latin1"))]));
  return extension(0, part(2, ...list));
}

function alpn(...protocols: string[]): Buffer {
  return extension(16, part(2, ...protocols.map((each) => part(1, Buffer.from(each)))));
}

function extension(type: number, body: Buffer): Buffer {
  return Buffer.concat([u8(type >> 8, type & 255), part(2, body)]);
}

/** The body up to its extensions. */
const START = Buffer.concat([
  u8(3, 3),
  Buffer.alloc(32, 7),
  part(1, Buffer.alloc(32)),
  part(2, u8(0x13, 1)),
  part(1, u8(0)),
]);

function message(...extensions: Buffer[]): Buffer {
  return Buffer.concat([u8(1), part(3, START, part(2, ...extensions))]);
}

/** In records of this many bytes of message. */
function records(bytes: Buffer, most = 16_384): Buffer {
  const pieces: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += most) {
    pieces.push(u8(22, 3, 1), part(2, bytes.subarray(at, at + most)));
  }
  return Buffer.concat(pieces);
}

const PLAIN = message(
  extension(10, u8(0, 0)),
  serverName("Db.Example.com"),
  alpn("h2", "http/1.1"),
);

function read(bytes: Buffer, most = bytes.length): ReadHello {
  const reader = new ClientHelloReader();
  let last: ReadHello = { kind: "more" };
  for (let at = 0; at < bytes.length && last.kind === "more"; at += most) {
    last = reader.feed(bytes.subarray(at, at + most));
  }
  return last;
}

function shown(bytes: Buffer, most?: number): string {
  const last = read(bytes, most);
  if (last.kind !== "hello") return last.kind;
  return [last.hello.serverName, ...last.hello.alpn].join(" ");
}

// biome-ignore format: a table
const cases: [name: string, bytes: Buffer, want: string][] = [
  ["a name and protocols",                  records(PLAIN), "db.example.com h2 http/1.1"],
  ["a name alone",                          records(message(serverName("a.test"))), "a.test"],
  ["no name",                               records(message(alpn("h2"))), " h2"],
  ["no extensions at all",                  records(Buffer.concat([u8(1), part(3, START)])), ""],
  ["an underscore",                         records(message(serverName("_a.test"))), "_a.test"],
  ["one byte a record (T3)",                records(PLAIN, 1), "db.example.com h2 http/1.1"],
  ["split inside the name (T3)",            records(PLAIN, PLAIN.indexOf("Example")), "db.example.com h2 http/1.1"],
  ["bytes behind it",                       Buffer.concat([records(PLAIN), Buffer.from("more")]), "db.example.com h2 http/1.1"],
  ["plain text",                            Buffer.from("GET / HTTP/1.1\r\n"), "refused"],
  ["SSH",                                   Buffer.from("SSH-2.0-x\r\n"), "refused"],
  ["SSL 2",                                 u8(0x80, 0x2e, 1, 0, 2), "refused"],
  ["an alert",                              u8(21, 3, 1, 0, 2, 1, 0), "refused"],
  ["a ServerHello",                         records(Buffer.concat([u8(2), part(3, START)])), "refused"],
  ["another major version",                 u8(22, 2, 0, 0, 1, 1), "refused"],
  ["an empty record",                       u8(22, 3, 1, 0, 0), "refused"],
  ["an empty record in the middle",         Buffer.concat([records(PLAIN.subarray(0, 9)), u8(22, 3, 1, 0, 0)]), "refused"],
  ["a record beyond 16 KiB",                u8(22, 3, 1, 0x40, 1), "refused"],
  ["an alert between its records",          Buffer.concat([records(PLAIN.subarray(0, 9)), u8(21, 3, 1, 0, 2, 1, 0)]), "refused"],
  ["a message beyond the cap",              u8(22, 3, 1, 0x40, 0, 1, 1, 0, 0), "refused"],
  ["two names in the list",                 records(message(serverName("a.test", "b.test"))), "refused"],
  ["two server_name extensions",            records(message(serverName("a.test"), serverName("b.test"))), "refused"],
  ["two ALPN extensions",                   records(message(alpn("h2"), alpn("http/1.1"))), "refused"],
  ["an empty name",                         records(message(serverName(""))), "refused"],
  ["an empty list of names",                records(message(extension(0, part(2)))), "refused"],
  ["an empty server_name",                  records(message(extension(0, u8()))), "refused"],
  ["a name with a NUL",                     records(message(serverName("a.test\0.b"))), "refused"],
  ["a name with a space",                   records(message(serverName("a test"))), "refused"],
  ["a name that is not ASCII",              records(message(serverName("\xe4.test"))), "refused"],
  ["a final dot",                           records(message(serverName("a.test."))), "refused"],
  ["a name of 254 characters",              records(message(serverName("a".repeat(254)))), "refused"],
  ["a name of another type",                records(message(extension(0, part(2, u8(1), part(2, Buffer.from("a.test")))))), "refused"],
  ["a length that says too much",           records(message(extension(0, u8(0, 9, 0, 0, 1, 97)))), "refused"],
  ["a byte behind the list",                records(message(extension(0, Buffer.concat([part(2, u8(0), part(2, u8(97))), u8(0)])))), "refused"],
  ["an empty protocol",                     records(message(alpn(""))), "refused"],
  ["an empty ALPN",                         records(message(alpn())), "refused"],
  ["extensions longer than the message",    records(Buffer.concat([u8(1), part(3, START, u8(0, 9))])), "refused"],
  ["bytes behind the extensions",           records(Buffer.concat([u8(1), part(3, START, part(2), u8(0))])), "refused"],
  ["cut inside its random",                 records(Buffer.concat([u8(1), part(3, u8(3, 3, 0))])), "refused"],
];

for (const [name, bytes, want] of cases) {
  test(`ClientHelloReader: ${name}`, () => {
    assert.equal(shown(bytes), want);
  });
}

test("ClientHelloReader: the same at every split of the bytes", () => {
  for (const [name, bytes, want] of cases) {
    for (const most of [1, 2, 3, 7]) assert.equal(shown(bytes, most), want, `${name}, by ${most}`);
  }
  const bytes = records(PLAIN);
  for (let at = 1; at < bytes.length; at++) {
    const reader = new ClientHelloReader();
    assert.equal(reader.feed(bytes.subarray(0, at)).kind, "more", `the first ${at} bytes`);
    assert.equal(reader.feed(bytes.subarray(at)).kind, "hello", `split at ${at}`);
  }
});

test("ClientHelloReader: every prefix asks for more, whatever the records", () => {
  for (const most of [1, 5, 50]) {
    const bytes = records(PLAIN, most);
    for (let end = 1; end < bytes.length; end++) {
      assert.equal(read(bytes.subarray(0, end)).kind, "more", `${end} bytes, records of ${most}`);
    }
  }
});

test("ClientHelloReader: a hello up to the cap is read, one beyond it is refused", () => {
  const room = CLIENT_HELLO_BYTES_MAX - message(serverName("a.test"), extension(21, u8())).length;
  const fitting = message(serverName("a.test"), extension(21, Buffer.alloc(room - 30)));
  const tooLarge = message(serverName("a.test"), extension(21, Buffer.alloc(room + 1)));

  assert.equal(shown(records(fitting)), "a.test");
  assert.equal(shown(records(tooLarge)), "refused");
});

test("ClientHelloReader: records of a byte cost the cap too", () => {
  const padded = message(serverName("a.test"), extension(21, Buffer.alloc(20_000)));

  assert.equal(shown(records(padded, 1), 1000), "refused");
});

test("ClientHelloReader: no bytes make it throw", () => {
  const random = new SeededRandom(1);
  for (let round = 0; round < 20_000; round++) {
    const bytes = Buffer.from(records(PLAIN, 1 + random.below(60)));
    for (let edit = random.below(4); edit >= 0; edit--) {
      bytes[random.below(bytes.length)] = random.below(256);
    }
    read(bytes, 1 + random.below(bytes.length));
  }
});
