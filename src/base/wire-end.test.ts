// What a Wire may be relied on for, on the system's network and the simulated one: FIN, RST, destroy.
import assert from "node:assert/strict";
import { keepPromises, pair, shut } from "../../test/support/wire-stage.ts";

keepPromises({
  "a FIN ends one direction only": async (stage) => {
    const both = await pair(stage);

    both.near.wire.write("question", "latin1");
    both.near.wire.end();
    await stage.until(() => both.far.heard.includes("end"));
    assert.equal(both.far.text, "question");
    assert.equal(both.far.wire.destroyed, false);
    both.far.wire.write("answer", "latin1");
    await stage.until(() => both.near.text === "answer");
    both.far.wire.end();
    await stage.until(() => both.near.wire.destroyed && both.far.wire.destroyed);
    await stage.quiet();

    assert.deepEqual(both.near.heard, ["connect", "end", "close"]);
    assert.deepEqual(both.far.heard, ["end", "close"]);
    await shut(both);
  },

  "a wire with a reader that is paused learns of a reset when resumed": async (stage) => {
    const both = await pair(stage);
    both.near.wire.pause();

    both.far.wire.resetAndDestroy();
    await stage.quiet();
    assert.deepEqual(both.near.heard, ["connect"]);
    both.near.wire.resume();
    await stage.until(() => both.near.wire.destroyed);
    await stage.quiet();

    assert.deepEqual(both.near.heard, ["connect", "ECONNRESET", "close"]);
    await shut(both);
  },

  "an accepted wire that is paused learns of a reset when resumed at the latest": async (stage) => {
    const both = await pair(stage);
    both.far.wire.pause();

    both.near.wire.resetAndDestroy();
    await stage.quiet();
    both.far.wire.resume();
    await stage.until(() => both.far.wire.destroyed);
    await stage.quiet();

    assert.deepEqual(both.far.heard, ["ECONNRESET", "close"]);
    assert.deepEqual(both.near.heard, ["connect", "close"]);
    await shut(both);
  },

  "destroy() inside read() ends reading at once": async (stage) => {
    const both = await pair(stage, { lentBytes: 8 });
    both.near.onBytes = ({ wire }) => wire.destroy();

    both.far.wire.write("x".repeat(40), "latin1");
    await stage.until(() => both.near.heard.includes("close"));
    await stage.quiet();

    assert.equal(both.near.parts.length, 1);
    assert.deepEqual(both.near.heard, ["connect", "close"]);
    assert.equal(both.far.wire.destroyed, true);
    assert.deepEqual(both.far.heard, ["ECONNRESET", "close"]); // it left bytes unread
    await shut(both);
  },

  "destroy() with everything read looks like a FIN, and a write to it fails in the end": async (
    stage,
  ) => {
    const both = await pair(stage);

    both.near.wire.destroy();
    await stage.until(() => both.far.heard.includes("end"));
    assert.equal(both.far.wire.destroyed, false);
    both.far.wire.write("one", "latin1");
    await stage.quiet();
    both.far.wire.write("two", "latin1");
    await stage.until(() => both.far.wire.destroyed);
    await stage.quiet();

    assert.deepEqual(both.far.heard, ["end", "EPIPE", "close"]);
    await shut(both);
  },

  "a write after destroy() is dropped, a write after end() breaks the wire": async (stage) => {
    const both = await pair(stage);

    both.near.wire.destroy();
    both.near.wire.end();
    both.near.wire.resetAndDestroy();
    assert.equal(both.near.wire.write("x", "latin1"), false);
    both.far.wire.end();
    both.far.wire.end();
    assert.equal(both.far.wire.write("x", "latin1"), false);
    await stage.until(() => both.far.heard.includes("close"));
    await stage.quiet();

    assert.deepEqual(both.near.heard, ["connect", "close"]);
    assert.equal(both.far.heard[0], "ERR_STREAM_WRITE_AFTER_END");
    await shut(both);
  },
});
