// What a Network may be relied on for with datagrams, the system's and the simulated one.
import assert from "node:assert/strict";
import { keepPromises, type Stage } from "../../test/support/wire-stage.ts";
import type { Address, DatagramDoor, DatagramWire } from "./world.ts";

const LOOPBACK = { host: "127.0.0.1", port: 0 };

interface Bound {
  readonly door: DatagramDoor;
  readonly got: { readonly text: string; readonly from: Address }[];
}

async function bound({ network }: Stage, address: Address = LOOPBACK): Promise<Bound> {
  const got: Bound["got"] = [];
  const door = await network.bindDatagrams(address, {
    received: (bytes, from) => got.push({ text: Buffer.from(bytes).toString(), from }),
  });
  return { door, got };
}

interface Connected {
  readonly wire: DatagramWire;
  readonly got: string[];
  readonly failures: (string | undefined)[];
}

function connected({ network }: Stage, address: Address): Connected {
  const got: string[] = [];
  const failures: (string | undefined)[] = [];
  const wire = network.connectDatagrams(address, {
    received: (bytes) => got.push(Buffer.from(bytes).toString()),
    failed: (error) => failures.push(error.code),
  });
  return { wire, got, failures };
}

keepPromises({
  "what is sent at once arrives whole and in order, and an answer comes back": async (stage) => {
    const { door, got } = await bound(stage);
    const near = connected(stage, door.address);

    near.wire.send(Buffer.from("one"));
    near.wire.send(Buffer.from(""));
    near.wire.send(Buffer.from("three"));
    await stage.until(() => got.length === 3);
    door.send(Buffer.from("answer"), got[0]!.from);
    await stage.until(() => near.got.length === 1);

    assert.deepEqual(
      got.map(({ text }) => text),
      ["one", "", "three"],
    );
    assert.deepEqual(near.got, ["answer"]);
    assert.notEqual(door.address.port, 0);
    near.wire.destroy();
    await door[Symbol.asyncDispose]();
  },

  "a name is found, and one that is not there fails": async (stage) => {
    const { door, got } = await bound(stage);
    const near = connected(stage, { host: "localhost", port: door.address.port });
    const lost = connected(stage, { host: "nowhere.invalid", port: door.address.port });

    near.wire.send(Buffer.from("x"));
    lost.wire.send(Buffer.from("y"));
    await stage.until(() => got.length === 1 && lost.failures.length === 1);

    assert.deepEqual(lost.failures, ["ENOTFOUND"]);
    near.wire.destroy();
    await door[Symbol.asyncDispose]();
  },

  "a port where nobody is refuses, once, and then nothing follows": async (stage) => {
    const { door } = await bound(stage);
    await door[Symbol.asyncDispose]();
    const near = connected(stage, door.address);

    near.wire.send(Buffer.from("x"));
    await stage.until(() => near.failures.length === 1);
    near.wire.send(Buffer.from("y"));
    await stage.quiet();

    assert.deepEqual(near.failures, ["ECONNREFUSED"]);
  },

  "a connected socket hears of its peer alone": async (stage) => {
    const [one, other] = [await bound(stage), await bound(stage)];
    const near = connected(stage, one.door.address);
    near.wire.send(Buffer.from("x"));
    await stage.until(() => one.got.length === 1);

    other.door.send(Buffer.from("forged"), one.got[0]!.from);
    one.door.send(Buffer.from("genuine"), one.got[0]!.from);
    await stage.until(() => near.got.length > 0);
    await stage.quiet();

    assert.deepEqual(near.got, ["genuine"]);
    near.wire.destroy();
    for (const { door } of [one, other]) await door[Symbol.asyncDispose]();
  },

  "an address that is taken is told with what to do about it": async (stage) => {
    const { door } = await bound(stage);

    await assert.rejects(bound(stage, door.address), /Cannot listen on .*another process has this/);
    await door[Symbol.asyncDispose]();
  },

  "what is shut may be shut again and used in vain": async (stage) => {
    const { door } = await bound(stage);
    const near = connected(stage, door.address);

    near.wire.destroy();
    near.wire.destroy();
    near.wire.send(Buffer.from("x"));
    await door[Symbol.asyncDispose]();
    door.send(Buffer.from("x"), { host: "127.0.0.1", port: 9 });
    await door[Symbol.asyncDispose]();
    await stage.quiet();

    assert.deepEqual([near.got, near.failures], [[], []]);
  },
});
