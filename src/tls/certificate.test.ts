import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { chainOf, selfSigned, selfSignedFiles } from "../../test/support/certificate.ts";
import { skipWithout } from "../../test/support/parts.ts";
import { covers, type ReadCertificate, readCertificate } from "./certificate.ts";
import { certificateWarnings } from "./certificate-facts.ts";
import { readCertificateFiles } from "./certificate-files.ts";

const skip = skipWithout("openssl");
const folder = mkdtempSync(join(tmpdir(), "sluice-cert-"));
after(() => rmSync(folder, { recursive: true }));

const DAY_MS = 86_400_000;

function why(read: ReadCertificate): string {
  return read.kind === "problem" ? `${read.of}: ${read.why}` : "good";
}

test("readCertificate: names are those of the alternatives, lower case", { skip }, async () => {
  const files = await selfSignedFiles(folder, ["Shop.Example.com", "*.a.test", "10.0.0.1", "::1"]);

  const read = readCertificateFiles(files);

  assert.equal(why(read), "good");
  assert.deepEqual(read.kind === "certificate" && read.entry.names, [
    "shop.example.com",
    "*.a.test",
    "10.0.0.1",
    "::1",
  ]);
});

test("readCertificate: what cannot be used says so, and of which file", { skip }, async () => {
  const [one, other] = [await selfSigned("a.test"), await selfSigned("a.test")];
  const locked = generateKeyPairSync("ec", {
    namedCurve: "P-256",
    publicKeyEncoding: { type: "spki", format: "pem" },
    privateKeyEncoding: { type: "pkcs8", format: "pem", cipher: "aes-128-cbc", passphrase: "x" },
  });
  const half = one.cert.slice(0, one.cert.length / 2);
  const broken = one.cert.replace(/M../, "AAA");
  const say = (cert: string, key: string) => why(readCertificate({ id: "", cert, key }));

  assert.equal(say("", one.key), "cert: it has no certificate in PEM");
  assert.equal(say(half, one.key), "cert: it has no certificate in PEM");
  assert.equal(say(broken, one.key), "cert: it has a certificate that cannot be read");
  assert.equal(say(one.cert, ""), "key: it has no private key in PEM");
  assert.equal(say(one.cert, one.cert), "key: it has no private key in PEM");
  assert.equal(say(one.cert, other.key), "key: it is not the certificate's key");
  assert.equal(say(one.cert, locked.privateKey), "key: it is locked with a passphrase");
  assert.equal(
    why(readCertificateFiles({ cert: join(folder, "none"), key: one.key })),
    "cert: it cannot be read (ENOENT)",
  );
  assert.equal(
    why(readCertificateFiles({ cert: folder, key: one.key })),
    "cert: it cannot be read (it is no file)",
  );
});

test("readCertificate: what OpenSSL does not serve is refused before a client comes", {
  skip,
}, async () => {
  const files = await selfSignedFiles(folder, ["a.test"], { algorithm: "rsa1024", stem: "short" });

  assert.match(
    why(readCertificateFiles(files)),
    /^cert: OpenSSL refuses it \(ERR_SSL_EE_KEY_TOO_SMALL\)$/,
  );
});

test("covers: a wildcard stands for one label", () => {
  const names = ["a.test", "*.b.test"];

  assert.deepEqual(
    ["a.test", "b.test", "x.b.test", "x.y.b.test", "*.b.test", "x.a.test"].map((host) =>
      covers(names, host),
    ),
    [true, false, true, false, true, false],
  );
});

test("certificateWarnings: time, names and chain", { skip }, async () => {
  const read = (files: { readonly cert: string; readonly key: string }) => {
    const found = readCertificateFiles(files);
    assert.ok(found.kind === "certificate", why(found));
    return found.entry;
  };
  const plain = read(await selfSignedFiles(folder, ["a.test", "*.b.test"], { stem: "plain" }));
  const { full, leafOnly, disordered } = await chainOf(folder, "a.test");
  const nowMs = Date.now() + 1_000; // its times are in whole seconds
  const say = (entry: typeof plain, hosts: string[], wallMs = nowMs) =>
    certificateWarnings(entry, hosts, wallMs).map((text) => text.replace(/\d{4}-.*Z/, "then"));

  assert.deepEqual(say(plain, ["a.test", "x.b.test", "*.b.test", "*"]), []);
  assert.deepEqual(say(plain, ["c.test", "x.y.b.test"]), ["it is not for c.test, x.y.b.test"]);
  assert.deepEqual(say(plain, [], nowMs + 25 * DAY_MS), ["it expires on then"]);
  assert.deepEqual(say(plain, [], nowMs + 31 * DAY_MS), ["it expired on then"]);
  assert.deepEqual(say(plain, [], nowMs - DAY_MS), ["it is not valid before then"]);
  assert.deepEqual(say(read(full), ["a.test"]), []);
  assert.deepEqual(say(read(leafOnly), ["a.test"]), [
    "the certificate of CN=Middle, which signed it, is missing behind it",
  ]);
  assert.deepEqual(say(read(disordered), ["a.test"]), [
    "certificate 2 of its chain did not sign the one before it",
  ]);
});
