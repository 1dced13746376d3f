/** Client certificates: who gets in, what is told of them, and for which hosts a connection is good. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { copyFile } from "node:fs/promises";
import http2 from "node:http2";
import type { ConnectionOptions, TLSSocket } from "node:tls";
import { Authority, type Issued } from "../support/authority.ts";
import { eventually } from "../support/deadline.ts";
import { skipWithout } from "../support/parts.ts";
import { OK, type Scenario, scenario } from "../support/scenario.ts";
import { certificateFor, tlsConnect, tlsTalk } from "../support/tls-stage.ts";

const skip = skipWithout("openssl");
const get = (host: string, more = "") =>
  `GET / HTTP/1.1\r\nhost: ${host}\r\n${more}connection: close\r\n\r\n`;

const HEADERS = `headers: { X-Subject: subject, X-Dns: dns, X-Uri: uri, X-Print: fingerprint, Client-Cert: certificate }`;

/** Sites of one listener: m.test asks for certificates, o.test takes them, p.test wants none. */
async function stage(it: Scenario, clientAuth = "") {
  const authority = await Authority.create();
  it.defer(() => authority.remove());
  const site = await certificateFor(it, ["m.test", "n.test", "o.test", "p.test"]);
  const origin = await it.origin(OK);
  const files = `cert: ${site.cert}, key: ${site.key}`;
  const ca = `ca: ${authority.caFile}`;
  const routes = "routes: [{ forward: app }]";
  const proxy = await it.proxy(`{
    upstreams: { app: ${origin.url} },
    sites: [
      { hosts: [m.test, n.test], ${routes}, tls: { ${files}, clientAuth: { ${ca}, ${HEADERS} ${clientAuth} } } },
      { hosts: o.test, tls: { ${files}, clientAuth: { ${ca}, mode: optional, ${HEADERS} } }, routes: [
        { match: { header: { X-Subject: "~CN=app" } }, respond: { status: 200, body: known } },
        { match: { header: { X-Subject: "*" } }, respond: { status: 403 } },
        { forward: app }] },
      { hosts: p.test, ${routes}, tls: { ${files} } },
    ] }`);
  return { authority, origin, proxy, port: proxy.port };
}

const own = ({ cert, key }: Issued): ConnectionOptions => ({ cert, key });

/** What a client gets who asks for one host by SNI and for one by Host. */
async function ask(
  port: number,
  host: string,
  options: ConnectionOptions = {},
  serverName = host,
): Promise<string> {
  try {
    const socket = await tlsConnect(port, serverName, options);
    const failed = once(socket, "error").then(([error]) => String(error.code));
    const answer = await Promise.race([tlsTalk(socket, get(host)), failed]);
    return /^HTTP\/1\.1 ([0-9]{3})/.exec(answer)?.[1] ?? (answer === "" ? "closed" : answer);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? String(error);
  }
}

const NOT_IN = /^(closed|ECONNRESET|EPIPE|ERR_SSL_\S*ALERT\S*)$/;

scenario(
  "who has a certificate of the authority gets in, and the endpoint is told who it is",
  async (it) => {
    const { authority, origin, port } = await stage(it);
    const app = await authority.issue(
      "DNS:app.test,URI:spiffe://test/app",
      30,
      "/O=Test, Inc/CN=app",
    );

    const forged =
      "x-subject: CN=root\r\nX_Subject: CN=root\r\nx.dns: root\r\nclient-cert: :AA==:\r\n";
    const answer = await tlsTalk(await tlsConnect(port, "m.test", own(app)), get("m.test", forged));

    assert.match(answer, /^HTTP\/1\.1 200/);
    const { text } = origin.connections[0]!;
    assert.match(text, /\r\nx-subject: CN=app,O=Test\\, Inc\r\n/i);
    assert.match(text, /\r\nx-dns: app\.test\r\n/i);
    assert.match(text, /\r\nx-uri: spiffe:\/\/test\/app\r\n/i);
    assert.match(text, /\r\nx-print: [0-9a-f]{64}\r\n/i);
    assert.match(text, /\r\nclient-cert: :[A-Za-z0-9+/=]{200,}:\r\n/i);
    assert.doesNotMatch(text, /root|AA==/);
    assert.equal(text.match(/x[-_.]subject/gi)?.length, 1);
  },
  { skip },
);

scenario(
  "who has none, one that has expired or one of somebody else does not get in, and the log says why",
  async (it) => {
    const { authority, origin, proxy, port } = await stage(it);
    const other = await Authority.create();
    it.defer(() => other.remove());
    const stranger = await other.issue("DNS:app.test");
    const late = await authority.issue("DNS:app.test", 0);
    await new Promise((resolve) => setTimeout(resolve, 1_100)); // its last second

    for (const maxVersion of ["TLSv1.3", "TLSv1.2"] as const) {
      assert.match(await ask(port, "m.test", { maxVersion }), NOT_IN);
      assert.match(await ask(port, "m.test", { ...own(stranger), maxVersion }), NOT_IN);
      assert.match(await ask(port, "m.test", { ...own(late), maxVersion }), NOT_IN);
    }

    assert.equal(origin.connections.length, 0);
    const refused = await eventually(
      async () => {
        const lines = (await proxy.accessLines(0)).filter(
          ({ fault }) => fault === "client_certificate",
        );
        return lines.length === 6 ? lines : undefined;
      },
      () => "six refusals in the log",
    );
    assert.deepEqual(
      new Set(refused.map((line) => line["fault_detail"])),
      new Set([
        "ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE",
        "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
        "CERT_HAS_EXPIRED",
      ]),
    );
  },
  { skip },
);

scenario(
  "optional: who has none is served as nobody, and one that is no good is refused all the same",
  async (it) => {
    const { authority, origin, port } = await stage(it);
    const other = await Authority.create();
    it.defer(() => other.remove());
    const [app, db] = [
      await authority.issue("DNS:app.test", 30, "/CN=app"),
      await authority.issue("DNS:db.test", 30, "/CN=db"),
    ];

    const forged = get("o.test", "X-Subject: CN=app\r\n");
    const nobody = await tlsTalk(await tlsConnect(port, "o.test"), forged);

    assert.match(nobody, /^HTTP\/1\.1 200 OK\r\n.*ok$/s);
    assert.doesNotMatch(origin.connections[0]!.text, /x-subject/i);
    assert.equal(await ask(port, "o.test", own(app)), "200");
    assert.equal(await ask(port, "o.test", own(db)), "403");
    assert.match(await ask(port, "o.test", own(await other.issue("DNS:app.test"))), NOT_IN);
  },
  { skip },
);

scenario(
  "a connection is good for the hosts of its policy alone: 421 for others, both ways (T2)",
  async (it) => {
    const { authority, origin, port } = await stage(it);
    const app = own(await authority.issue("DNS:app.test"));

    assert.equal(await ask(port, "m.test", {}, "p.test"), "421");
    assert.equal(await ask(port, "M.TEST", {}, "p.test"), "421");
    assert.equal(await ask(port, "m.test", app, "p.test"), "421");
    assert.equal(await ask(port, "m.test", {}, "o.test"), "421");
    assert.equal(await ask(port, "p.test", app, "m.test"), "421");
    assert.equal(await ask(port, "n.test", app, "m.test"), "200"); // of the same site
    assert.equal(await ask(port, "p.test", {}, "p.test"), "200");
    const served = origin.connections.map(({ text }) => text).join("");
    assert.deepEqual(served.match(/^host: \S+/gim), ["Host: n.test", "Host: p.test"]);
  },
  { skip },
);

scenario(
  "HTTP/2: 421 is for the stream, and the connection goes on",
  async (it) => {
    const { authority, port } = await stage(it);
    const app = await authority.issue("DNS:app.test");
    const client = http2.connect(`https://127.0.0.1:${port}`, {
      ...{ servername: "m.test", rejectUnauthorized: false, cert: app.cert, key: app.key },
    });
    it.defer(() => client.destroy());
    const status = async (authority: string) => {
      const [headers] = await once(client.request({ ":authority": authority }).end(), "response");
      return headers[":status"];
    };

    assert.deepEqual(
      [await status("m.test"), await status("p.test"), await status("n.test")],
      [200, 421, 200],
    );
  },
  { skip },
);

/** Connects until there is a session to go on with. */
async function session(port: number, host: string, options: ConnectionOptions): Promise<Buffer> {
  const socket: TLSSocket = await tlsConnect(port, host, options);
  const saved = socket.getProtocol() === "TLSv1.3" ? once(socket, "session") : undefined;
  const answer = tlsTalk(socket, get(host));
  const [bytes] = saved === undefined ? [socket.getSession()!] : await saved;
  await answer;
  return bytes as Buffer;
}

for (const maxVersion of ["TLSv1.3", "TLSv1.2"] as const) {
  scenario(
    `a session is gone on with under its own policy, and lets nobody in under another (T1, ${maxVersion})`,
    async (it) => {
      const { authority, origin, port } = await stage(it);
      const app = { ...own(await authority.issue("DNS:app.test", 30, "/CN=app")), maxVersion };
      const ofMine = await session(port, "m.test", app);
      const ofPlain = await session(port, "p.test", { maxVersion });

      const again = await tlsConnect(port, "m.test", { ...app, session: ofMine });
      const isReused = again.isSessionReused();
      assert.match(await tlsTalk(again, get("m.test")), /^HTTP\/1\.1 200/);
      assert.equal(isReused, true);
      assert.match(origin.connections.at(-1)!.text, /x-subject: CN=app/i); // who it is goes with it

      // A session of a site that asks nobody, and one of another policy, without a certificate.
      assert.match(await ask(port, "m.test", { maxVersion, session: ofPlain }), NOT_IN);
      const elsewhere = await tlsConnect(port, "o.test", { maxVersion, session: ofMine });
      assert.equal(elsewhere.isSessionReused(), false);
      elsewhere.destroy();
    },
    { skip },
  );
}

scenario(
  "a revoked certificate is refused, also by a list that comes while we run, and with an old session",
  async (it) => {
    const authority = await Authority.create();
    it.defer(() => authority.remove());
    const [good, bad, worse] = [
      await authority.issue("DNS:good.test"),
      await authority.issue("DNS:bad.test"),
      await authority.issue("DNS:worse.test"),
    ];
    const site = await certificateFor(it, ["m.test"]);
    const crl = `${site.folder}/crl.pem`;
    await copyFile(await authority.revoke(bad), crl);
    const { port } =
      await it.proxy(`{ sites: [{ hosts: m.test, routes: [{ respond: { status: 200 } }],
      tls: { cert: ${site.cert}, key: ${site.key}, clientAuth: { ca: ${authority.caFile}, crl: ${crl} } } }] }`);

    assert.equal(await ask(port, "m.test", own(good)), "200");
    assert.match(await ask(port, "m.test", own(bad)), NOT_IN);
    assert.equal(await ask(port, "m.test", own(worse)), "200");
    const before = await session(port, "m.test", own(worse));

    await copyFile(await authority.revoke(worse), crl);
    await eventually(
      async () => (NOT_IN.test(await ask(port, "m.test", own(worse))) ? true : undefined),
      () => "the new list to count",
    );
    assert.match(await ask(port, "m.test", { ...own(worse), session: before }), NOT_IN);
    assert.equal(await ask(port, "m.test", own(good)), "200");
  },
  { skip },
);
