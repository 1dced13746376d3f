// What a Wire may be relied on for, on the system's network and the simulated one: bytes and pauses.
import assert from "node:assert/strict";
import { keepPromises, pair, type Stage, shut } from "../../test/support/wire-stage.ts";

/** Bytes that betray a mix-up of order: every position has its own value for a long way. */
function pattern(count: number): Buffer {
  const bytes = Buffer.alloc(count);
  for (let at = 0; at + 4 <= count; at += 4) bytes.writeUInt32BE(at, at);
  return bytes;
}

async function goUp(stage: Stage, takes: boolean): Promise<void> {
  const both = await pair(stage, { takes });
  const body = pattern(1024 * 1024);
  both.far.onBytes = ({ wire, parts }) => {
    if (parts.length % 3 !== 0) return;
    wire.pause();
    queueMicrotask(() => wire.resume());
  };

  both.near.wire.write(body);
  both.near.wire.end();
  await stage.until(() => both.far.heard.includes("end"));

  assert.ok(Buffer.concat(both.far.parts).equals(body));
  await shut(both);
}

async function keepWhilePaused(stage: Stage, takes: boolean): Promise<void> {
  const both = await pair(stage, { takes });
  both.far.wire.pause();

  both.near.wire.write("bytes", "latin1");
  both.near.wire.end();
  await stage.quiet();
  assert.deepEqual([both.far.text, both.far.heard.length], ["", 0]);
  both.far.wire.resume();
  await stage.until(() => both.far.heard.includes("end"));

  assert.equal(both.far.text, "bytes");
  await shut(both);
}

keepPromises({
  "bytes go both ways, as they were, in latin1 too": async (stage) => {
    const both = await pair(stage);

    both.near.wire.write(Buffer.from("to there "));
    both.near.wire.write("é", "latin1");
    both.far.wire.write("and back", "latin1");
    await stage.until(() => both.far.bytes === 10 && both.near.bytes === 8);

    assert.equal(both.far.text, "to there é");
    assert.equal(both.near.text, "and back");
    await shut(both);
  },

  "a large body arrives whole and in order, with waits for drain": async (stage) => {
    const both = await pair(stage, { lentBytes: 16 * 1024 });
    const body = pattern(12 * 1024 * 1024);
    let at = 0;
    let waits = 0;
    const send = () => {
      while (at < body.length) {
        const end = Math.min(body.length, at + 100_000);
        const goOn = both.far.wire.write(body.subarray(at, end));
        at = end;
        if (goOn) continue;
        waits += 1;
        return;
      }
      both.far.wire.end();
    };
    both.far.wire.on("drain", send);
    both.near.wire.pause();

    send();
    await stage.quiet();
    assert.ok(waits >= 1, "a reader that has stopped stops the writer");
    assert.ok(both.far.wire.writableLength > 0);
    assert.equal(both.near.bytes, 0);
    both.near.wire.resume();
    await stage.until(() => both.near.heard.includes("end"));

    assert.ok(Buffer.concat(both.near.parts).equals(body));
    assert.equal(both.far.wire.writableLength, 0);
    await shut(both);
  },

  "a large body goes up whole and in order, through pauses": (stage) => goUp(stage, false),
  "and so it does to who takes what is lent": (stage) => goUp(stage, true),

  "a wire with a reader asks for a buffer at birth and after every read": async (stage) => {
    const both = await pair(stage, { lentBytes: 8 });
    assert.equal(both.near.asked, 1);

    both.far.wire.write("x".repeat(20), "latin1");
    await stage.until(() => both.near.bytes === 20);

    assert.ok(both.near.parts.length >= 3);
    assert.equal(both.near.asked, both.near.parts.length + 1);
    await shut(both);
  },

  "a wire with a reader is paused inside read() and hears nothing, not even FIN": async (stage) => {
    const both = await pair(stage, { lentBytes: 8 });
    both.near.onBytes = ({ wire }) => wire.pause();

    both.far.wire.write("x".repeat(20), "latin1");
    both.far.wire.end();
    await stage.until(() => both.near.parts.length === 1);
    await stage.quiet();
    assert.equal(both.near.parts.length, 1);
    assert.deepEqual(both.near.heard, ["connect"]);
    both.near.onBytes = undefined;
    both.near.wire.resume();
    await stage.until(() => both.near.heard.includes("end"));

    assert.equal(both.near.bytes, 20);
    await shut(both);
  },

  "an accepted wire that is paused keeps bytes and the FIN behind them": (stage) =>
    keepWhilePaused(stage, false),
  "and so it does for who takes what is lent": (stage) => keepWhilePaused(stage, true),
});
