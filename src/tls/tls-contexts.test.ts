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

test("TicketSecrets: those of the process before are taken on, for as long as they had", async () => {
  const clock = new SimClock();
  const [before, after] = [new Certificates(), new Certificates()];
  const first = new TicketSecrets({ clock }, before);
  await clock.advance(TICKET_MS + TICKET_MS / 4);

  const next = new TicketSecrets({ clock }, after, structuredClone(first.heritage));
  const taken = after.ticketSecrets;
  first[Symbol.dispose]();
  await clock.advance((3 * TICKET_MS) / 4 - 1);
  const late = after.ticketSecrets;
  await clock.advance(1);

  assert.equal(taken.length, 2);
  assert.deepEqual([taken, late], [before.ticketSecrets, before.ticketSecrets]);
  assert.equal(after.ticketSecrets[1], before.ticketSecrets[0]);
  next[Symbol.dispose]();
});

test("TicketSecrets: what is no secret is not taken for one", () => {
  const clock = new SimClock();
  const certificates = new Certificates();

  const secrets = new TicketSecrets({ clock }, certificates, {
    secrets: ["", "00", "x".repeat(64)],
    leftMs: Number.NaN,
  });

  assert.equal(certificates.ticketSecrets.length, 1);
  assert.match(certificates.ticketSecrets[0]!, /^[0-9a-f]{64}$/);
  secrets[Symbol.dispose]();
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
