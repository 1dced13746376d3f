import assert from "node:assert/strict";
import { EventEmitter } from "node:events";
import { test } from "node:test";
import { COMMANDS } from "./commands.ts";
import { main } from "./main.ts";
import { proxyConfig } from "./proxy.ts";

async function sluice(...args: string[]) {
  const said = { stdout: "", stderr: "" };
  const code = await main(args, {
    stdout: { write: (text) => (said.stdout += text) },
    stderr: { write: (text) => (said.stderr += text) },
    cwd: import.meta.dirname,
    signals: new EventEmitter(),
  });
  return { code, ...said };
}

type Case = [args: string[], code: number, stdout: RegExp, stderr: RegExp];

// biome-ignore format: a table
const cases: Case[] = [
  [[],                                   2, /^$/,                        /^Usage: sluice COMMAND/],
  [["--help"],                           0, /^Usage: sluice COMMAND/,    /^$/],
  [["help"],                             0, /^Usage: sluice COMMAND/,    /^$/],
  [["--version"],                        0, /^sluice \d+\.\d+\.\d+/,     /^$/],
  [["help", "run"],                      0, /^Usage: sluice run/,        /^$/],
  [["run", "--help"],                    0, /-c, --config FILE/,         /^$/],
  [["run", "-c", "x", "-h"],             0, /^Usage: sluice run/,        /^$/],
  [["run", "--confg", "x"],              2, /^$/,                        /^sluice run: Unknown option '--confg'\n/],
  [["run", "sluice.yaml"],               2, /^$/,                        /^sluice run: Unexpected argument 'sluice.yaml'/],
  [["proxy"],                            2, /^$/,                        /^sluice proxy: --from is missing/],
  [["proxy", "--from", ":0"],            2, /^$/,                        /^sluice proxy: --to is missing/],
  [["proxy", "--from", ":0", "--to", ","], 2, /^$/,                      /^sluice proxy: --to is missing/],
  [["proxy", "--from", ":0", "--to", ":1", "--workers", "0"], 2, /^$/,       /^sluice proxy: --workers must be "auto", or a whole number/],
  [["explain", "GET", "/"],              2, /^$/,                        /^sluice explain: URL must begin with http/],
  [["purge"],                            2, /^$/,                        /^sluice purge: one of URL, --tag, --prefix and --all is wanted/],
  [["purge", "http://a/", "--tag", "x"], 2, /^$/,                        /^sluice purge: one of URL, --tag, --prefix and --all is wanted/],
  [["purge", "--tga", "x"],              2, /^$/,                        /^sluice purge: Unknown option '--tga'/],
  [["maintenance"],                      2, /^$/,                        /^sluice maintenance: on, off or reset is wanted/],
  [["maintenance", "on"],                2, /^$/,                        /^sluice maintenance: SITE is wanted, or --all/],
  [["maintenance", "on", "a", "--all"],  2, /^$/,                        /^sluice maintenance: SITE is wanted, or --all/],
  [["maintenance", "on", "--all", "--route", "x"], 2, /^$/,              /^sluice maintenance: SITE is wanted, or --all/],
  [["hash-password", "-a", "md5"],       2, /^$/,                        /^sluice hash-password: --algorithm must be one of argon2id, scrypt, sha256\n/],
  [["hash-password", "-u", "a:b"],       2, /^$/,                        /^sluice hash-password: --user must be a name/],
  [["hash-password"],                    1, /^$/,                        /^sluice hash-password: there is no input\n/],
  [["bogus-word"],                       2, /^$/,                        /^sluice: there is no command bogus-word\n/],
  [["help", "bogus-word"],               2, /^$/,                        /^sluice: there is no command bogus-word\n/],
];

for (const [args, code, stdout, stderr] of cases) {
  test(`sluice ${args.join(" ")}`.trim(), async () => {
    const answer = await sluice(...args);

    assert.equal(answer.code, code);
    assert.match(answer.stdout, stdout);
    assert.match(answer.stderr, stderr);
  });
}

test("sluice: a misspelt command names the nearest", async () => {
  const { stderr } = await sluice("chekc");
  assert.match(stderr, /there is no command chekc; did you mean check\?/);
});

test("sluice COMMAND --help: each command has its page", async () => {
  for (const { name } of COMMANDS) {
    const { code, stdout } = await sluice(name, "--help");
    assert.equal(code, 0);
    assert.match(stdout, new RegExp(`^Usage: sluice ${name}\\b`));
  }
});

test("proxyConfig: a port alone is one of this machine, and admin is off", () => {
  const config = proxyConfig({
    from: [":8080"],
    to: [":3000", "a.test:81"],
    admin: "off",
    log: "off",
  });

  assert.deepEqual(config.upstreams.app.endpoints, ["localhost:3000", "a.test:81"]);
  assert.deepEqual(config.sites[0]?.listen, [":8080"]);
  assert.equal(config.admin, "off");
});
