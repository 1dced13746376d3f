import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { realWorld } from "./real-world.ts";
import type { Wire } from "./world.ts";

function folder(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), "sluice-"));
  t.after(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

/** A socket file whose process was killed before it could remove it. */
async function leaveStaleSocket(path: string): Promise<void> {
  const script = `require("net").createServer().listen(${JSON.stringify(path)}, () => console.log())`;
  const child = spawn(process.execPath, ["-e", script], { stdio: ["ignore", "pipe", "inherit"] });
  await once(child.stdout, "data");
  child.kill("SIGKILL");
  await once(child, "exit");
  assert.ok(existsSync(path));
}

test("SystemNetwork: a unix socket is bound, answers, and goes with its door", async (t) => {
  const { network } = realWorld();
  const path = join(folder(t), "a.sock");
  const door = await network.listen({ host: path, port: 0 }, (wire) => {
    wire.write("hello", "latin1");
    wire.end();
    wire.resume();
  });

  const text = await new Promise<string>((resolve) => {
    const lent = Buffer.alloc(64);
    let heard = "";
    const read = (count: number) => {
      heard += lent.toString("latin1", 0, count);
    };
    const wire = network.connect({ host: path, port: 0 }, { buffer: () => lent, read });
    wire.on("end", () => {
      wire.end();
      resolve(heard);
    });
  });
  await door[Symbol.asyncDispose]();

  assert.equal(text, "hello");
  assert.deepEqual(door.address, { host: path, port: 0 });
  assert.equal(existsSync(path), false);
});

test("SystemNetwork: the socket file of a dead process is replaced", async (t) => {
  const { network } = realWorld({ unixSocketMode: 0o660 });
  const path = join(folder(t), "a.sock");
  await leaveStaleSocket(path);

  const door = await network.listen({ host: path, port: 0 }, (wire) => wire.destroy());
  t.after(() => door[Symbol.asyncDispose]());

  const probe = net.connect({ path });
  await once(probe, "connect");
  probe.destroy();
  assert.equal(statSync(path).mode & 0o777, 0o660);
});

test("SystemNetwork: a live socket and a plain file are left alone", async (t) => {
  const { network } = realWorld();
  const live = join(folder(t), "live.sock");
  const file = join(folder(t), "file.txt");
  writeFileSync(file, "precious");
  const door = await network.listen({ host: live, port: 0 }, (wire) => wire.destroy());
  t.after(() => door[Symbol.asyncDispose]());

  await assert.rejects(
    network.listen({ host: live, port: 0 }, () => {}),
    {
      code: "EADDRINUSE",
      message: `Cannot listen on unix:${live}: a live process has this socket (EADDRINUSE)`,
    },
  );
  await assert.rejects(
    network.listen({ host: file, port: 0 }, () => {}),
    { code: "EEXIST", message: /there is a file that is not a socket/ },
  );

  assert.equal(existsSync(live), true);
  assert.equal(statSync(file).size, 8);
});

// biome-ignore format: a table
const refused: [name: string, host: string, port: number, code: string, message: RegExp][] = [
  ["an address that is not ours",       "192.0.2.1",             0, "EADDRNOTAVAIL", /^Cannot listen on 192\.0\.2\.1:0: no interface of this machine/],
  ["a name that is none",               "no-such-name.invalid",  0, "ENOTFOUND",     /^Cannot listen on no-such-name\.invalid:0: the name has no address/],
  ["a socket in a folder that is none", "/no/such/folder/a.sock", 0, "EACCES|ENOENT", /^Cannot listen on unix:\/no\/such\/folder\/a\.sock: /],
];

for (const [name, host, port, code, message] of refused) {
  test(`SystemNetwork: refuses to listen on ${name}`, async () => {
    const { network } = realWorld();

    const bound = network.listen({ host, port }, () => {});

    await assert.rejects(bound, (error: NodeJS.ErrnoException) => {
      assert.match(error.code ?? "", new RegExp(`^(${code}|EAI_AGAIN)$`));
      if (error.code !== "EAI_AGAIN") assert.match(error.message, message);
      return true;
    });
  });
}

test("SystemNetwork: two listeners share a port if they say so, and not otherwise", async (t) => {
  if (process.platform !== "linux") return t.skip("reusePort is for Linux");
  const sharing = realWorld({ reusePort: true }).network;
  const first = await sharing.listen({ host: "127.0.0.1", port: 0 }, (wire) => wire.destroy());
  const other = await sharing.listen(first.address, (wire) => wire.destroy());

  assert.equal(other.address.port, first.address.port);
  await assert.rejects(
    realWorld().network.listen(first.address, () => {}),
    { code: "EADDRINUSE" },
  );
  await first[Symbol.asyncDispose]();
  await other[Symbol.asyncDispose]();
});

function clientOf(port: number) {
  const socket = net.connect(port, "127.0.0.1");
  let text = "";
  socket.on("data", (bytes) => {
    text += bytes.toString("latin1");
  });
  socket.on("error", () => {});
  return { socket, text: () => text };
}

test("SystemNetwork: who comes while a door holds is let in later, with all that was sent", async () => {
  const { network } = realWorld();
  const seen: string[] = [];
  const onWire = (wire: Wire): void => {
    wire.on("data", (bytes) => {
      seen.push(Buffer.from(bytes).toString("latin1"));
      wire.end();
    });
  };
  const door = await network.listen({ host: "127.0.0.1", port: 0 }, onWire, true);
  const early = clientOf(door.address.port);
  await once(early.socket, "connect");
  early.socket.write("early");
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.deepEqual(seen, []);

  door.letIn?.();
  await once(early.socket, "end");
  const late = clientOf(door.address.port);
  late.socket.write("late");
  await once(late.socket, "end");
  await door[Symbol.asyncDispose]();

  assert.deepEqual(seen, ["early", "late"]);
  for (const { socket } of [early, late]) socket.destroy();
});

test("SystemNetwork: a door that never let anybody in cuts who waits when it goes", async () => {
  const { network } = realWorld();
  const onWire = () => assert.fail("let in");
  const door = await network.listen({ host: "127.0.0.1", port: 0 }, onWire, true);
  const { socket } = clientOf(door.address.port);
  await once(socket, "connect");
  const closed = once(socket, "close");
  await new Promise((resolve) => setTimeout(resolve, 50));

  await door[Symbol.asyncDispose]();

  await closed;
});

test("SystemNetwork: who waits in front of a door is taken in before it goes", async () => {
  const { network } = realWorld();
  let count = 0;
  const door = await network.listen({ host: "127.0.0.1", port: 0 }, (wire) => {
    count++;
    wire.destroy();
  });
  const clients = Array.from({ length: 50 }, () => clientOf(door.address.port));
  // Their handshakes are done in the kernel; our loop has not turned since.
  await Promise.all(clients.map(({ socket }) => once(socket, "connect")));

  await door[Symbol.asyncDispose]();

  assert.equal(count, 50);
});

test("SystemNetwork: claim refuses an address that somebody answers on, and no other", async () => {
  const { network } = realWorld({ reusePort: true });
  const taken = net.createServer().listen(0, "127.0.0.1");
  await once(taken, "listening");
  const { port } = taken.address() as net.AddressInfo;

  await assert.rejects(
    network.claim!({ host: "127.0.0.1", port }),
    /another process has this port/,
  );
  await assert.rejects(network.claim!({ host: "0.0.0.0", port }), /another process has this port/);
  taken.close();
  await once(taken, "close");

  await network.claim!({ host: "127.0.0.1", port });
});
