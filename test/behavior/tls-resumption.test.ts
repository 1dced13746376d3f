/** Sessions are resumed in every worker, and only where they began (SECURITY T1). */
import assert from "node:assert/strict";
import { once } from "node:events";
import { type ConnectionOptions, connect } from "node:tls";
import { skipWithout } from "../support/parts.ts";
import { scenario } from "../support/scenario.ts";
import { certificateFor } from "../support/tls-stage.ts";

const skip = skipWithout("openssl");
const ROUTES = "routes: [{ respond: { status: 200, body: ok } }]";

/** One request; whether its session was resumed, and one to resume. */
async function visit(
  port: number,
  servername: string,
  session?: Buffer,
  more: ConnectionOptions = {},
) {
  const socket = connect({
    ...{ port, host: "127.0.0.1", servername, rejectUnauthorized: false },
    ALPNProtocols: ["http/1.1"],
    ...(session === undefined ? {} : { session }),
    ...more,
  });
  let fresh = session;
  let text = "";
  socket.on("session", (bytes: Buffer) => {
    fresh = bytes;
  });
  socket.setEncoding("latin1").on("data", (chunk: string) => {
    text += chunk;
  });
  let isResumed: boolean | undefined;
  socket.on("secureConnect", () => {
    isResumed = socket.isSessionReused();
  });
  socket.write(`GET / HTTP/1.1\r\nhost: ${servername}\r\nconnection: close\r\n\r\n`);
  await once(socket, "close");
  assert.match(text, /^HTTP\/1\.1 200 /);
  assert.ok(fresh !== undefined);
  return { isResumed, session: fresh };
}

for (const version of ["TLSv1.3", "TLSv1.2"] as const) {
  const only = { minVersion: version, maxVersion: version };

  scenario(
    `a session is resumed by whichever of several workers gets it (${version})`,
    async (it) => {
      const { cert, key } = await certificateFor(it, ["a.test"]);
      const proxy = await it.proxyHere(
        `{ workers: 2, sites: [{ hosts: a.test, ${ROUTES}, tls: { cert: ${cert}, key: ${key} } }] }`,
      );
      let { session, isResumed } = await visit(proxy.port, "a.test", undefined, only);
      assert.equal(isResumed, false);

      for (let round = 0; round < 20; round++) {
        ({ session, isResumed } = await visit(proxy.port, "a.test", session, only));
        assert.equal(isResumed, true, `round ${round}`);
      }
      const resumed = `sluice_tls_handshakes_total{listener="127.0.0.1:0",version="${version}",resumed="yes"}`;
      assert.equal(await proxy.metric(resumed), 20);
    },
    { skip },
  );

  scenario(
    `a session of one site opens no other, not even with the same certificate (T1, ${version})`,
    async (it) => {
      const { cert, key } = await certificateFor(it, ["a.test", "b.test"]);
      const tls = `tls: { cert: ${cert}, key: ${key} }`;
      const proxy = await it.proxy(`{ sites: [
        { hosts: a.test, ${ROUTES}, ${tls} }, { hosts: b.test, ${ROUTES}, ${tls} }] }`);
      const { session } = await visit(proxy.port, "a.test", undefined, only);

      // The client takes care not to; an attacker does not. Node's own is told that it is a.test's.
      const raw = await visit(proxy.port, "b.test", asIfOf(session, "b.test"), only);
      const again = await visit(proxy.port, "a.test", session, only);

      assert.equal(raw.isResumed, false);
      assert.equal(again.isResumed, true);
    },
    { skip },
  );
}

const PREFIX = Buffer.from("\0nodejs:tls:session:1\0");

/** Node writes the name that a session is for before it, and looks at it when it is resumed. */
function asIfOf(session: Buffer, name: string): Buffer {
  assert.equal(session.compare(PREFIX, 0, PREFIX.length, 0, PREFIX.length), 0);
  const from = PREFIX.length + 2 + session.readUInt16BE(PREFIX.length);
  const length = Buffer.alloc(2);
  length.writeUInt16BE(name.length, 0);
  return Buffer.concat([PREFIX, length, Buffer.from(name), session.subarray(from)]);
}

scenario(
  "a session of one listener is not one of another (T1)",
  async (it) => {
    const { cert, key } = await certificateFor(it, ["a.test"]);
    const proxy = await it.proxy(`{ sites: [{ hosts: a.test, ${ROUTES},
      listen: ["127.0.0.1:0", "127.0.0.2:0"], tls: { cert: ${cert}, key: ${key}, redirectFrom: off } }] }`);
    const { session } = await visit(proxy.ports[0]!, "a.test");

    const other = await visit(proxy.ports[1]!, "a.test", session, { host: "127.0.0.2" });
    const same = await visit(proxy.ports[0]!, "a.test", session);

    assert.deepEqual([other.isResumed, same.isResumed], [false, true]);
  },
  { skip },
);
