import assert from "node:assert/strict";
import { test } from "node:test";
import { type PurgeOrder, PurgeOrders } from "./purge-orders.ts";

const thing = (serial: number, url = "http://a.test/x", tags: string[] = []) => ({
  url,
  serial,
  tags: () => tags,
});

const order = (kind: "url" | "prefix" | "tag", value: string, isSoft = false): PurgeOrder => ({
  kind,
  value,
  isSoft,
});

test("PurgeOrders: an order holds for what is older, until it is retired", () => {
  const orders = new PurgeOrders();
  orders.place(order("url", "http://a.test/x"), 5);

  assert.deepEqual(
    [4, 5].map((serial) => orders.verdict(thing(serial))),
    ["gone", "stays"],
  );
  orders.retire(4);
  assert.equal(orders.verdict(thing(4)), "gone");
  orders.retire(5);
  assert.equal(orders.verdict(thing(4)), "stays");
  assert.equal(orders.count, 0);
});

test("PurgeOrders: of two the stricter counts, in either order", () => {
  for (const [first, second] of [
    [true, false],
    [false, true],
  ] as const) {
    const orders = new PurgeOrders();
    orders.place(order("tag", "t", first), 1);
    orders.place(order("tag", "t", second), 2);

    assert.equal(orders.verdict(thing(0, "u", ["t"])), "gone");
  }
});

test("PurgeOrders: prefixes that another covers make no longer list", () => {
  const orders = new PurgeOrders();
  for (let count = 0; count < 100; count++)
    orders.place(order("prefix", `http://a/${count}/`), count);
  orders.place(order("prefix", "http://a/", true), 100);
  assert.equal(orders.count, 101, "a soft one covers none that is not");

  orders.place(order("prefix", "http://a/"), 101);

  assert.equal(orders.count, 1);
  assert.equal(orders.verdict(thing(100, "http://a/7/x")), "gone");
});
