import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";
import { part, skipWithout } from "../../../../test/support/parts.ts";
import { checkPassword } from "./check-password.ts";
import { decoyOf, type PasswordHash, parsePasswordHash } from "./password-hash.ts";

const PASSWORD = "grüße 1:2";

// Made by htpasswd of Apache 2.4, the argon2 reference program, and hashlib of Python.
// biome-ignore format: a table
const made: [by: string, text: string][] = [
  ["htpasswd -B",  "$2y$05$INXZvhTJKIHInSJP9mnTUuWCeLd2tgRqg15/Yvf4Ntdbck4MNqJTC"],
  ["the name 2a",  "$2a$05$INXZvhTJKIHInSJP9mnTUuWCeLd2tgRqg15/Yvf4Ntdbck4MNqJTC"],
  ["the name 2b",  "$2b$05$INXZvhTJKIHInSJP9mnTUuWCeLd2tgRqg15/Yvf4Ntdbck4MNqJTC"],
  ["argon2 -id",   "$argon2id$v=19$m=4096,t=2,p=2$c29tZXNhbHQ$U10bVMzuNah4jxiBPQdH5abp/tuMXFVXj52U9TjAA14"],
  ["argon2 -i",    "$argon2i$v=19$m=4096,t=2,p=1$c29tZXNhbHQ$MGGD8rYNR6i/c+xjWJMUUV/UtjZen7MOgYamjkfNFqA"],
  ["argon2 -d",    "$argon2d$v=19$m=4096,t=2,p=1$c29tZXNhbHQ$DWsd5eBL0iStgIx0brxy94imBky6u8De"],
  ["hashlib",      "$scrypt$ln=12,r=8,p=2$MDEyMzQ1Njc4OWFiY2RlZg$xZdLXvvJwTpwXs4zUJl9rQM1HMWPeNmcp1PHcd0N0iI"],
];

function parsed(text: string): PasswordHash {
  const hash = parsePasswordHash(text);
  assert.ok(typeof hash !== "string", String(hash));
  return hash;
}

for (const [by, text] of made) {
  test(`checkPassword: a hash made by ${by}`, () => {
    const hash = parsed(text);

    assert.equal(checkPassword(PASSWORD, hash), true);
    for (const wrong of ["", "grüße 1:", `${PASSWORD} `, "grusse 1:2", "\u0000"]) {
      assert.equal(checkPassword(wrong, hash), false, wrong);
    }
    assert.equal(checkPassword(PASSWORD, decoyOf(hash)), false, "the decoy");
  });
}

test("checkPassword: what htpasswd makes now", { skip: skipWithout("htpasswd") }, () => {
  const line = execFileSync(part("htpasswd")!, ["-bnBC", "5", "alice", PASSWORD], {
    encoding: "utf8",
  });

  assert.equal(checkPassword(PASSWORD, parsed(line.trim().slice("alice:".length))), true);
});

test("checkPassword: what argon2 makes now", { skip: skipWithout("argon2") }, () => {
  const args = ["salt-and-more", "-id", "-t", "1", "-m", "13", "-p", "4", "-l", "48", "-e"];
  const line = execFileSync(part("argon2")!, args, { encoding: "utf8", input: PASSWORD });

  assert.equal(checkPassword(PASSWORD, parsed(line.trim())), true);
});

const SALT = "c29tZXNhbHQ";
const DIGEST = "U10bVMzuNah4jxiBPQdH5abp/tuMXFVXj52U9TjAA14";
const BCRYPT = "INXZvhTJKIHInSJP9mnTUuWCeLd2tgRqg15/Yvf4Ntdbck4MNqJTC";

// biome-ignore format: a table
const refused: [name: string, text: string, want: RegExp][] = [
  ["a password",                "correct horse",                                   /^is no hash that is taken: make one with/],
  ["nothing",                   "",                                                /^is no hash/],
  ["MD5 of Apache",             "$apr1$eJWivr/b$jjFbKPJr0AhrDqmq5dEJ40",           /^is a hash of the kind \$apr1\$/],
  ["SHA-1",                     "{SHA}GpHWL3ymc5liWkNopqtdSjuqYHM=",               /^is a hash of the kind \{SHA\}/],
  ["SHA-512 crypt",             "$6$ID0QreZ.14X9Yycz$yGBI",                        /^is a hash of the kind \$6\$/],
  ["DES crypt",                 "z.Hgv8oFy0ydY",                                   /^is no hash/],
  ["bcrypt, cut short",         `$2y$05$${BCRYPT.slice(1)}`,                       /cut short/],
  ["bcrypt, of a broken kind",  `$2x$05$${BCRYPT}`,                                /^is no bcrypt hash/],
  ["bcrypt, too cheap",         `$2y$03$${BCRYPT}`,                                /cost/],
  ["bcrypt, too dear",          `$2y$17$${BCRYPT}`,                                /cost/],
  ["argon2, an old version",    `$argon2id$v=16$m=4096,t=2,p=2$${SALT}$${DIGEST}`, /version 19/],
  ["argon2, no version",        `$argon2id$m=4096,t=2,p=2$${SALT}$${DIGEST}`,      /version 19/],
  ["argon2, too much memory",   `$argon2id$v=19$m=2097152,t=2,p=2$${SALT}$${DIGEST}`, /memory/],
  ["argon2, too little",        `$argon2id$v=19$m=15,t=2,p=2$${SALT}$${DIGEST}`,   /memory/],
  ["argon2, too many passes",   `$argon2id$v=19$m=4096,t=65,p=2$${SALT}$${DIGEST}`, /passes/],
  ["argon2, no pass",           `$argon2id$v=19$m=4096,t=0,p=2$${SALT}$${DIGEST}`, /passes/],
  ["argon2, no lane",           `$argon2id$v=19$m=4096,t=2,p=0$${SALT}$${DIGEST}`, /parallelism/],
  ["argon2, a short salt",      `$argon2id$v=19$m=4096,t=2,p=2$c29t$${DIGEST}`,    /salt/],
  ["argon2, a short digest",    `$argon2id$v=19$m=4096,t=2,p=2$${SALT}$U10bVMzu`,  /digest/],
  ["scrypt, too dear",          `$scrypt$ln=24,r=8,p=1$${SALT}$${DIGEST}`,         /memory/],
  ["scrypt, too cheap",         `$scrypt$ln=9,r=8,p=1$${SALT}$${DIGEST}`,          /cost/],
  ["scrypt, no parallelism",    `$scrypt$ln=12,r=8,p=0$${SALT}$${DIGEST}`,         /parallelism/],
];

for (const [name, text, want] of refused) {
  test(`parsePasswordHash: refuses ${name}`, () => {
    const why = parsePasswordHash(text);

    assert.ok(typeof why === "string");
    assert.match(why, want);
  });
}
