import assert from "node:assert/strict";
import { test } from "node:test";
import { selfSigned } from "../../test/support/certificate.ts";
import { skipWithout } from "../../test/support/parts.ts";
import { SimClock } from "../../test/support/sim-clock.ts";
import { Certificates } from "../core/certificates.ts";
import { TICKET_MS, TicketSecrets, ticketKeys, ticketNameOf } from "./ticket-secrets.ts";
import { TlsContexts, type TlsScope } from "./tls-contexts.ts";

const SCOPE: TlsScope = { key: "one", profile: "intermediate" };

test("TicketSecrets: a new one every twelve hours, and the one before is still read", async () => {
  const clock = new SimClock();
  const certificates = new Certificates();
  const secrets = new TicketSecrets({ clock }, certificates);
  const [first] = certificates.ticketSecrets;

  await clock.advance(TICKET_MS - 1);
  assert.deepEqual(certificates.ticketSecrets, [first]);
  await clock.advance(1);
  const [second, ...others] = certificates.ticketSecrets;
  assert.deepEqual(others, [first]);
  await clock.advance(TICKET_MS);
  assert.equal(certificates.ticketSecrets[1], second);
  assert.equal(certificates.ticketSecrets.includes(first!), false);
  secrets[Symbol.dispose]();
  await clock.advance(2 * TICKET_MS);
  assert.equal(certificates.ticketSecrets[1], second);
});

test("TlsContexts: one for a certificate and scope, and the one before for its tickets", {
  skip: skipWithout("openssl"),
}, async () => {
  const entry = { id: "a", names: ["a.test"], ...(await selfSigned("a.test")) };
  const contexts = new TlsContexts();
  const [old, now, next] = ["11", "22", "33"].map((pair) => pair.repeat(32)) as [
    string,
    string,
    string,
  ];
  const nameOf = (secret: string, { key }: TlsScope) => ticketNameOf(ticketKeys(secret, key));
  const find = (secrets: string[], ticketName = "", scope = SCOPE) =>
    contexts.find(entry, scope, { secrets, ticketName });

  const before = find([old]);
  assert.equal(find([old]), before);
  const after = find([now, old]);
  assert.notEqual(after, before);
  assert.equal(find([now, old], nameOf(now, SCOPE)), after);
  assert.equal(find([now, old], nameOf(old, SCOPE)), before);
  assert.equal(find([now, old], "no ticket of ours"), after);
  const last = find([next, now], nameOf(old, SCOPE));
  assert.equal(find([next, now]), last);
  const other = { ...SCOPE, key: "other" };
  assert.notEqual(find([next, now], "", other), last);
  assert.notEqual(nameOf(now, SCOPE), nameOf(now, other));
  assert.notEqual(find([next, now], nameOf(now, SCOPE), other), after);
});
