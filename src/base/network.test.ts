// What a Network may be relied on for, the system's and the simulated one: doors and connections.
import assert from "node:assert/strict";
import { Ear, keepPromises, pair, shut } from "../../test/support/wire-stage.ts";
import type { Address } from "./world.ts";

keepPromises({
  "what is written before the connection stands goes out when it does": async (stage) => {
    const far = new Ear();
    const door = await stage.network.listen({ host: "127.0.0.1", port: 0 }, (wire) => {
      far.on(wire, true);
    });
    const near = new Ear();
    near.on(stage.network.connect(door.address, near), false);

    const goOn = near.wire.write("early", "latin1");
    const waiting = near.wire.writableLength;
    await stage.until(() => far.text === "early");

    assert.deepEqual([goOn, waiting, near.wire.writableLength], [true, 5, 0]);
    await shut({ stage, near, far, door });
  },

  "addresses are known on both ends": async (stage) => {
    const both = await pair(stage);

    assert.equal(both.near.wire.remotePort, both.door.address.port);
    assert.equal(both.near.wire.localPort, both.far.wire.remotePort);
    assert.equal(both.far.wire.remoteAddress, "127.0.0.1");
    assert.notEqual(both.door.address.port, 0);
    await shut(both);
  },

  "a port nobody listens on refuses, and takes no process down": async (stage) => {
    const door = await stage.network.listen({ host: "127.0.0.1", port: 0 }, () => {});
    await door[Symbol.asyncDispose]();
    const near = new Ear();

    stage.network.connect(door.address, new Ear()); // no handler of ours at all
    near.on(stage.network.connect(door.address, near), false);
    await stage.until(() => near.heard.includes("close"));

    assert.deepEqual(near.heard, ["ECONNREFUSED", "close"]);
    assert.equal(near.wire.destroyed, true);
  },

  "a name is resolved": async (stage) => {
    const far = new Ear();
    const door = await stage.network.listen({ host: "127.0.0.1", port: 0 }, (wire) => {
      far.on(wire, true);
    });
    const near = new Ear();

    const address = { host: "localhost", port: door.address.port };
    near.on(stage.network.connect(address, near), false);
    near.wire.write("by name", "latin1");
    await stage.until(() => far.text === "by name");

    await shut({ stage, near, far, door });
  },

  "a wire given up while connecting says close and nothing else": async (stage) => {
    const door = await stage.network.listen({ host: "127.0.0.1", port: 0 }, (wire) => {
      wire.resume();
      wire.on("end", () => wire.destroy());
    });
    const near = new Ear();

    near.on(stage.network.connect(door.address, near), false);
    near.wire.destroy();
    await stage.until(() => near.heard.length > 0);
    await stage.quiet();

    assert.deepEqual(near.heard, ["close"]);
    await door[Symbol.asyncDispose]();
  },

  "a reset asked for while connecting waits for the connection": async (stage) => {
    const far = new Ear();
    const door = await stage.network.listen({ host: "127.0.0.1", port: 0 }, (wire) => {
      far.on(wire, true);
    });
    const near = new Ear();

    near.on(stage.network.connect(door.address, near), false);
    near.wire.resetAndDestroy();
    await stage.until(() => near.heard.includes("close") && (far.wire?.destroyed ?? false));

    assert.deepEqual(near.heard, ["connect", "close"]);
    await shut({ stage, near, far, door });
  },

  "a shut door accepts nobody and leaves its wires alone": async (stage) => {
    const both = await pair(stage);

    await both.door[Symbol.asyncDispose]();
    await both.door[Symbol.asyncDispose](); // twice is fine
    const late = new Ear();
    late.on(stage.network.connect(both.door.address, late), false);
    await stage.until(() => late.heard.includes("close"));
    both.near.wire.write("still here", "latin1");
    await stage.until(() => both.far.text === "still here");

    assert.deepEqual(late.heard, ["ECONNREFUSED", "close"]);
    await shut(both);
  },

  "a port that is taken is refused with its name and a reason": async (stage) => {
    const door = await stage.network.listen({ host: "127.0.0.1", port: 0 }, () => {});

    const again = stage.network.listen(door.address, () => {});

    await assert.rejects(again, {
      code: "EADDRINUSE",
      message: `Cannot listen on 127.0.0.1:${door.address.port}: another process has this port (EADDRINUSE)`,
    });
    await door[Symbol.asyncDispose]();
  },

  "a door on every address takes whoever knocks": async (stage) => {
    const far = new Ear();
    const door = await stage.network.listen({ host: "0.0.0.0", port: 0 }, (wire) => {
      far.on(wire, true);
    });
    const near = new Ear();

    const address: Address = { host: "127.0.0.1", port: door.address.port };
    near.on(stage.network.connect(address, near), false);
    near.wire.write("hi", "latin1");
    await stage.until(() => far.text === "hi");

    await shut({ stage, near, far, door });
  },
});
