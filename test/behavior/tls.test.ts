/** TLS ends here: which certificate, which protocol, and what is told of it. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { eventually } from "../support/deadline.ts";
import { part, skipWithout } from "../support/parts.ts";
import { OK, type Scenario, scenario } from "../support/scenario.ts";
import { certificateFor, tlsConnect, tlsRefusal, tlsTalk } from "../support/tls-stage.ts";

const skip = skipWithout("openssl");
const CLOSE = "GET / HTTP/1.1\r\nhost: a.test\r\nconnection: close\r\n\r\n";

async function curl(...args: string[]): Promise<string> {
  const all = ["-sSk", "--max-time", "10", "--noproxy", "*", ...args];
  const { stdout } = await promisify(execFile)(part("curl")!, all, { encoding: "latin1" });
  return stdout;
}

/** One site with TLS, and an origin behind it. */
async function oneSite(it: Scenario, extra = "") {
  const { cert, key } = await certificateFor(it, ["a.test"]);
  const origin = await it.origin(OK);
  const proxy = await it.proxy(`{
    upstreams: { app: ${origin.url} },
    sites: [{ hosts: a.test, tls: { cert: ${cert}, key: ${key} }, routes: [{ forward: app }] }] ${extra} }`);
  return { origin, proxy };
}

scenario(
  "a request over TLS reaches its endpoint, which is told that it was https",
  async (it) => {
    const { origin, proxy } = await oneSite(it);

    const socket = await tlsConnect(proxy.port, "a.test");
    const answer = await tlsTalk(socket, CLOSE);
    const [line] = await proxy.accessLines(1);

    assert.match(answer, /^HTTP\/1\.1 200 OK\r\n.*ok$/s);
    const { text } = origin.connections[0]!;
    assert.match(text, /\r\nx-forwarded-proto: https\r\n/i);
    assert.match(text, new RegExp(`\r\nx-forwarded-port: ${proxy.port}\r\n`, "i"));
    assert.equal(line!["scheme"], "https");
    const { tls, alpn, resumed, sni } = line!;
    assert.deepEqual([tls, alpn, resumed, sni], ["TLSv1.3", "http/1.1", false, undefined]);
    assert.match(String(line!["cipher"]), /^TLS_AES_/);
  },
  { skip },
);

scenario(
  "curl: HTTP/2 and HTTP/1.1 by ALPN, over TLS 1.3 and 1.2",
  async (it) => {
    const { proxy } = await oneSite(it);
    const at = ["--resolve", `a.test:${proxy.port}:127.0.0.1`, "-o", "/dev/null"];
    const url = `https://a.test:${proxy.port}/`;
    const told = ["-w", "%{http_version} %{http_code}"];

    assert.equal(await curl(...at, ...told, url), "2 200");
    assert.equal(await curl(...at, ...told, "--http1.1", url), "1.1 200");
    assert.equal(await curl(...at, ...told, "--tls-max", "1.2", url), "2 200");
  },
  { skip: skip || skipWithout("curl") },
);

scenario(
  "who offers no protocol that we speak is refused, and who offers none gets HTTP/1.1 (T6)",
  async (it) => {
    const { proxy } = await oneSite(it);
    const { port } = proxy;

    const refusal = await tlsRefusal(port, "a.test", { ALPNProtocols: ["smtp", "http/1.0"] });
    const socket = await tlsConnect(port, "a.test", { ALPNProtocols: [] });

    assert.equal(refusal, "ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL");
    assert.match(await tlsTalk(socket, CLOSE), /^HTTP\/1\.1 200 /);
    const [line] = await proxy.accessLines(1);
    assert.equal(line!["fault"], "handshake_failed");
    assert.equal(line!["fault_detail"], "ERR_SSL_NO_APPLICATION_PROTOCOL");
  },
  { skip },
);

scenario(
  "each name has its certificate: exact before wildcard, in any case, and nobody else's",
  async (it) => {
    const [a, wild] = [
      await certificateFor(it, ["a.example.com"]),
      await certificateFor(it, ["*.example.com"]),
    ];
    const site = (hosts: string, { cert, key }: { cert: string; key: string }) =>
      `{ hosts: "${hosts}", tls: { cert: ${cert}, key: ${key} }, routes: [{ respond: { status: 200 } }] }`;
    const proxy = await it.proxy(
      `{ sites: [${site("*.example.com", wild)}, ${site("a.example.com", a)}] }`,
    );
    const nameOf = async (servername: string) => {
      const socket = await tlsConnect(proxy.port, servername);
      const { subject } = socket.getPeerCertificate();
      socket.destroy();
      return subject.CN;
    };

    assert.equal(await nameOf("a.example.com"), "a.example.com");
    assert.equal(await nameOf("A.Example.COM"), "a.example.com");
    assert.equal(await nameOf("b.example.com"), "*.example.com");
    const unknown = await tlsRefusal(proxy.port, "other.test");
    assert.equal(unknown, "ERR_SSL_TLSV1_UNRECOGNIZED_NAME");
    assert.equal(await tlsRefusal(proxy.port, ""), unknown);
    // Clients who close before their side of the handshake has left are in the log as well.
    const refused = await eventually(
      async () => {
        const lines = await proxy.accessLines(2);
        const found = lines.filter(({ fault }) => fault === "no_certificate");
        return found.length === 2 ? found : undefined;
      },
      () => "two lines of clients who were refused",
    );
    assert.deepEqual(
      refused.map((line) => line["fault_detail"]),
      ["other.test", "no server name"],
    );
  },
  { skip },
);

scenario(
  "requests without TLS are sent to the same place with it",
  async (it) => {
    const { cert, key } = await certificateFor(it, ["a.test"]);
    const proxy = await it.proxy(`{
      sites: [{ hosts: a.test, listen: ["127.0.0.1:0"],
        tls: { cert: ${cert}, key: ${key}, redirectFrom: "127.0.0.2:0" },
        routes: [{ respond: { status: 200 } }] }] }`);

    const client = await it.connect(proxy.ports[1], "127.0.0.2");
    client.send("POST /a%20b?c=d HTTP/1.1\r\nhost: a.test\r\ncontent-length: 0\r\n\r\n");
    const answer = await client.readResponse();

    assert.equal(answer.status, 308);
    assert.match(client.text, /\r\nlocation: https:\/\/a\.test(:\d+)?\/a%20b\?c=d\r\n/i);
  },
  { skip },
);

scenario(
  "Strict-Transport-Security is on every response over TLS, and on none without",
  async (it) => {
    const { cert, key } = await certificateFor(it, ["a.test"]);
    const origin = await it.origin(
      "HTTP/1.1 200 OK\r\nstrict-transport-security: max-age=1\r\ncontent-length: 0\r\n\r\n",
    );
    const proxy = await it.proxy(`{
      upstreams: { app: ${origin.url} },
      sites: [{ hosts: a.test, listen: "127.0.0.1:0",
        tls: { cert: ${cert}, key: ${key}, redirectFrom: "127.0.0.2:0",
          hsts: { maxAge: 365d, subdomains: true, preload: true } },
        routes: [{ match: { path: / }, forward: app }] }] }`);
    const ask = async (target: string) => {
      const socket = await tlsConnect(proxy.port, "a.test");
      return tlsTalk(socket, CLOSE.replace("/", target));
    };
    const wanted =
      /\r\nstrict-transport-security: max-age=31536000; includeSubDomains; preload\r\n/i;

    const [found, missing] = [await ask("/"), await ask("/none")];
    const clear = await it.connect(proxy.ports[1], "127.0.0.2");
    clear.send("GET / HTTP/1.1\r\nhost: a.test\r\n\r\n");
    await clear.readResponse();

    assert.match(found, /^HTTP\/1\.1 200 /);
    assert.match(found, wanted);
    assert.equal(found.match(/strict-transport/gi)?.length, 1);
    assert.match(missing, /^HTTP\/1\.1 404 /);
    assert.match(missing, wanted);
    assert.doesNotMatch(clear.text, /strict-transport/i);
  },
  { skip },
);
