import assert from "node:assert/strict";
import { test } from "node:test";
import { BanList } from "./ban-list.ts";

function listOf(entries: number): BanList {
  return new BanList(new SharedArrayBuffer(BanList.byteLength(entries)));
}

const entry = (client: string, untilMs: number) => ({
  client,
  reason: "rate_limited",
  level: 1,
  untilMs,
});

test("BanList: shows who is banned, the one that lasts longest first, and nobody whose ban has ended", () => {
  const list = listOf(16);
  list.put(entry("a", 100));
  list.put(entry("b", 300));
  list.put(entry("c", 200));

  assert.deepEqual(
    list.entries(150).map(({ client }) => client),
    ["b", "c"],
  );
});

test("BanList: what is said of a client anew takes the place of what was said", () => {
  const list = listOf(16);
  list.put(entry("a", 100));

  list.put({ client: "a", reason: "operator", level: 3, untilMs: 500 });

  assert.deepEqual(list.entries(0), [{ client: "a", reason: "operator", level: 3, untilMs: 500 }]);
});

test("BanList: one that is full lets go of whoever may come again first", () => {
  const list = listOf(16);
  for (let index = 0; index < 16; index++) list.put(entry(`${index}`, 100 + index));

  list.put(entry("late", 200));

  const clients = list.entries(0).map(({ client }) => client);
  assert.equal(clients.length, 16);
  assert.equal(clients[0], "late");
  assert.ok(!clients.includes("0"));
});

test("BanList: two workers see the same", () => {
  const memory = new SharedArrayBuffer(BanList.byteLength(16));
  const [one, other] = [new BanList(memory), new BanList(memory)];
  one.put(entry("2001:db8:ffff:ffff:ffff:ffff:ffff:ffff/128", 100));

  other.remove("2001:db8:ffff:ffff:ffff:ffff:ffff:ffff/128");

  assert.deepEqual(one.entries(0), []);
});
