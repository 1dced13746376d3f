import assert from "node:assert/strict";
import { test } from "node:test";
import { parseRedisUrl } from "./state.ts";

// biome-ignore format: a table
const rows: [text: string, want: string | undefined][] = [
  ["redis://10.0.0.5",                       "10.0.0.5 6379 plain - - 0"],
  ["redis://10.0.0.5:7000/2",                "10.0.0.5 7000 plain - - 2"],
  ["redis://10.0.0.5/",                      "10.0.0.5 6379 plain - - 0"],
  ["redis://Redis.Internal",                 "redis.internal 6379 plain - - 0"],
  ["redis://[::1]",                          "::1 6379 plain - - 0"],
  ["redis://[::1]:7000",                     "::1 7000 plain - - 0"],
  ["rediss://ann:secret@redis.internal:6380", "redis.internal 6380 tls ann secret 0"],
  ["redis://:p%40%2Fss@h/1",                 "h 6379 plain - p@/ss 1"],
  ["unix:/run/redis.sock",                   "/run/redis.sock 0 plain - - 0"],
  ["redis://",                               undefined],
  ["redis://h:0",                            undefined],
  ["redis://h:70000",                        undefined],
  ["redis://h/x",                            undefined],
  ["redis://h?db=1",                         undefined],
  ["redis://a:b@c:d@h",                      undefined],
  ["redis://:%zz@h",                         undefined],
  ["redis://ho st",                          undefined],
  ["http://h",                               undefined],
  ["10.0.0.5:6379",                          undefined],
  ["unix:run/redis.sock",                    undefined],
];

for (const [text, want] of rows) {
  test(`parseRedisUrl: ${text} is ${want ?? "refused"}`, () => {
    const found = parseRedisUrl(text);

    const said =
      found &&
      [
        found.host,
        found.port,
        found.isTls ? "tls" : "plain",
        found.username || "-",
        found.password || "-",
        found.database,
      ].join(" ");
    assert.equal(said, want);
  });
}
