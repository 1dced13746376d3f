import assert from "node:assert/strict";
import { generateKeyPairSync, X509Certificate } from "node:crypto";
import { test } from "node:test";
import { certificateId } from "./certificate-id.ts";
import {
  acmeProof,
  alternativeNames,
  authorityConstraints,
  authorityKeyId,
  forServers,
  keyUsage,
  leafConstraints,
  subjectKeyId,
  writeCertificate,
  writeRequest,
} from "./certificate-writer.ts";

const KEY_ID = Buffer.from("0102030405060708090a0b0c0d0e0f1011121314", "hex");

function made(extensions: readonly Uint8Array[] = [], serial = "00c0ffee", notAfter = 2030) {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const bytes = writeCertificate(
    {
      serial: Buffer.from(serial, "hex"),
      issuer: "Example Authority",
      subject: "example.com",
      notBeforeMs: Date.UTC(2026, 0, 2, 3, 4, 5),
      notAfterMs: Date.UTC(notAfter, 0, 1),
      publicKey,
      extensions,
    },
    privateKey,
  );
  return { bytes, read: new X509Certificate(bytes), publicKey };
}

test("writeCertificate: Node reads what was written, and the signature is right", () => {
  const { read, publicKey } = made([
    alternativeNames(["a.example.com", "192.0.2.1", "2001:db8::1"]),
  ]);

  assert.equal(read.subject, "CN=example.com");
  assert.equal(read.issuer, "CN=Example Authority");
  assert.equal(read.serialNumber, "C0FFEE");
  assert.equal(
    read.subjectAltName,
    "DNS:a.example.com, IP Address:192.0.2.1, IP Address:2001:DB8:0:0:0:0:0:1",
  );
  assert.equal(read.validFromDate.toISOString(), "2026-01-02T03:04:05.000Z");
  assert.equal(read.checkHost("a.example.com"), "a.example.com");
  assert.equal(read.checkIP("2001:db8::1"), "2001:db8::1");
  assert.ok(read.verify(publicKey));
});

test("writeRequest: what must be stapled says so, and nothing else does", () => {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const feature = "2b0601050507011804053003020105"; // 1.3.6.1.5.5.7.1.24, a list of 5

  const [plain, stapled] = [false, true].map((mustStaple) =>
    writeRequest(["a.test"], privateKey, mustStaple).toString("hex"),
  );

  assert.deepEqual([plain!.includes(feature), stapled!.includes(feature)], [false, true]);
});

test("writeCertificate: from 2050 on a year has four digits", () => {
  const { read } = made([], "01", 2075);

  assert.equal(read.validToDate.toISOString(), "2075-01-01T00:00:00.000Z");
});

test("writeCertificate: an authority is one, and a leaf is none", () => {
  const authority = made([authorityConstraints(0), keyUsage("authority"), subjectKeyId(KEY_ID)]);
  const leaf = made([leafConstraints(), keyUsage("server"), forServers(), authorityKeyId(KEY_ID)]);

  assert.equal(authority.read.ca, true);
  assert.equal(leaf.read.ca, false);
  assert.deepEqual(leaf.read.keyUsage, ["1.3.6.1.5.5.7.3.1"]);
});

test("writeCertificate: the proof of tls-alpn-01 is in it, and critical", () => {
  const digest = Buffer.alloc(32, 7);

  const { bytes } = made([acmeProof(digest)]);

  const wanted = `06082b0601050507011f0101ff04220420${digest.toString("hex")}`;
  assert.ok(bytes.toString("hex").includes(wanted));
});

test("certificateId: the authority's key and the serial number, as RFC 9773 §4.1 has them", () => {
  const { bytes } = made([leafConstraints(), authorityKeyId(KEY_ID)], "0087654321");

  assert.equal(certificateId(bytes), `${KEY_ID.toString("base64url")}.AIdlQyE`);
});

test("certificateId: nobody to ask where the signer's key is not named", () => {
  assert.equal(certificateId(made([leafConstraints()]).bytes), undefined);
});

test("certificateId: bytes cut anywhere have none, and do no harm", () => {
  const { bytes } = made([authorityKeyId(KEY_ID)]);

  for (let end = 0; end < bytes.length; end++) {
    assert.equal(certificateId(bytes.subarray(0, end)), undefined, `cut at ${end}`);
  }
});

test("certificateId: bytes flipped anywhere do no harm", () => {
  const { bytes } = made([authorityKeyId(KEY_ID)]);

  for (let index = 0; index < bytes.length; index++) {
    const flipped = Buffer.from(bytes);
    flipped[index]! ^= 0xff;
    assert.doesNotThrow(() => certificateId(flipped), `flipped at ${index}`);
  }
});

test("writeCertificate: the public key of a certificate is the one that was given", () => {
  const { read, publicKey } = made();

  const same = read.publicKey.export({ type: "spki", format: "pem" });

  assert.equal(same, publicKey.export({ type: "spki", format: "pem" }));
});
