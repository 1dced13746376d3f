import assert from "node:assert/strict";
import { test } from "node:test";
import { parseUserFile, UserList } from "./user-list.ts";

const BCRYPT = "$2y$05$INXZvhTJKIHInSJP9mnTUuWCeLd2tgRqg15/Yvf4Ntdbck4MNqJTC";
const DEAR = BCRYPT.replace("$05$", "$12$");

test("parseUserFile: what htpasswd writes, with comments and lines of Windows", () => {
  const users = parseUserFile(`# users\r\n\r\nalice:${BCRYPT}\r\nbob smith:${DEAR}\n`);

  assert.deepEqual(
    users.map(({ name, hash }) => [name, hash.kind]),
    [
      ["alice", "bcrypt"],
      ["bob smith", "bcrypt"],
    ],
  );
});

// biome-ignore format: a table
const broken: [name: string, line: string, want: RegExp][] = [
  ["a password in the clear",  "alice:correct-horse",                            /^line 2 is no hash that is taken/],
  ["an old hash",              "alice:$apr1$eJWivr/b$jjFbKPJr0AhrDqmq5dEJ40",    /^line 2 is a hash of the kind \$apr1\$/],
  ["no colon",                 "alice",                                          /^line 2 must be NAME:HASH/],
  ["no name",                  `:${BCRYPT}`,                                     /^line 2 must be NAME:HASH/],
  ["a name twice",             `first:${BCRYPT}`,                                /^line 2 has a name that was there before/],
];

for (const [name, line, want] of broken) {
  test(`parseUserFile: refuses ${name}, and shows none of it`, () => {
    assert.throws(
      () => parseUserFile(`first:${BCRYPT}\n${line}`),
      (error: Error) => {
        assert.match(error.message, want);
        assert.doesNotMatch(error.message, /correct-horse|jjFbKPJ/);
        return true;
      },
    );
  });
}

test("UserList: a name that is nobody's always gets the same cost, and one of ours (A6)", () => {
  const list = new UserList(parseUserFile(`a:${BCRYPT}\nb:${DEAR}`));
  const costOf = (name: string) => {
    const decoy = list.decoyFor(name);
    return decoy?.kind === "bcrypt" ? decoy.cost : 0;
  };

  const costs = Array.from({ length: 100 }, (_, number) => costOf(`nobody-${number}`));

  assert.deepEqual([...new Set(costs)].sort(), [12, 5]);
  assert.deepEqual(
    costs,
    costs.map((_, number) => costOf(`nobody-${number}`)),
  );
});
