import { ADMIN_HELP } from "./admin-help.ts";
import type { Command } from "./command.ts";

const FILE_HELP = `  -c, --config FILE   the config; unless said, sluice.yaml, sluice.yml or
                      sluice.config.ts in the working directory`;

/** Every command, in the order of `sluice --help`. Its code is loaded when it is asked for. */
export const COMMANDS: readonly Command[] = [
  {
    name: "proxy",
    usage: "--from ADDRESS --to ENDPOINT[,…]",
    about: "A proxy in one line.",
    help: `  --from ADDRESS      where to listen: ":8080", "127.0.0.1:8080", "unix:/run/app.sock"
  --to ENDPOINT[,…]   where requests go: "localhost:3000", ":3000", "http://10.0.0.1:80"
  --admin ADDRESS     the admin listener; off unless said
  --log PLACE         the access log: stdout (unless said), stderr, off, or a file
  --workers COUNT     threads that serve; auto for one for each core. 1 unless said`,
    load: async () => (await import("./proxy.ts")).proxy,
  },
  {
    name: "run",
    usage: "[-c FILE] [--pid-file FILE]",
    about: "Runs a config.",
    help: `${FILE_HELP}

SIGHUP takes the config anew and reopens the log; a config with problems changes
nothing. SIGTERM and SIGINT finish what is in flight; a second one stops now.`,
    load: async () => (await import("./run.ts")).run,
  },
  {
    name: "check",
    usage: "[-c FILE] [--json]",
    about: "Tells every problem of a config, with its place.",
    help: `${FILE_HELP}
  --json              the answer as JSON

Exit code 0: it can run. 1: it has problems.`,
    load: async () => (await import("./check.ts")).check,
  },
  {
    name: "schema",
    usage: "",
    about: "Prints the JSON Schema of the config, for editors.",
    help: "",
    load: async () => (await import("./schema.ts")).schema,
  },
  {
    name: "explain",
    usage: "[-c FILE] METHOD URL [-H 'name: value'] [--ip ADDRESS] [--json]",
    about: "Tells what would happen to a request, and why.",
    help: `${FILE_HELP}
  -H, --header 'name: value'  a header of the request; may be given again
  --ip ADDRESS        the client's address, or "unix" for a unix socket; 127.0.0.1 unless said
  --json              the answer as JSON

Opens nothing and asks nobody. Exit code 0: the answer is known, also if it is a
refusal. 1: the config has problems.`,
    load: async () => (await import("./explain.ts")).explain,
  },
  {
    name: "trust",
    usage: "[-c FILE] [--pem]",
    about: "Tells how to trust the certificates of tls: internal.",
    help: `${FILE_HELP}
  --pem               the root certificate itself, in PEM

Makes the root if there is none yet, and changes nothing else.`,
    load: async () => (await import("./trust.ts")).trust,
  },
  {
    name: "status",
    usage: "[-c FILE] [--admin URL] [--token TOKEN] [--json]",
    about: "Shows what a running proxy does.",
    help: `${ADMIN_HELP}
  --json              the answer as JSON`,
    load: async () => (await import("./status.ts")).status,
  },
  {
    name: "top",
    usage: "[-c FILE] [--admin URL] [--token TOKEN]",
    about: "Shows it live, with rates.",
    help: `${ADMIN_HELP}
  --looks COUNT       ends after so many looks, one a second`,
    load: async () => (await import("./status.ts")).top,
  },
  {
    name: "drain",
    usage: "UPSTREAM ENDPOINT [--wait DURATION]",
    about: "Sends an endpoint no new requests.",
    help: `${ADMIN_HELP}
  --wait DURATION     waits, at most so long, for what is in flight

Exit code 0: it drains, and with --wait nothing is left on it. 1: it is not there,
or something was left.`,
    load: async () => (await import("./endpoints.ts")).drain,
  },
  {
    name: "undrain",
    usage: "UPSTREAM ENDPOINT",
    about: "Sends it requests again.",
    help: ADMIN_HELP,
    load: async () => (await import("./endpoints.ts")).undrain,
  },
  {
    name: "add",
    usage: "UPSTREAM ENDPOINT [--weight NUMBER] [--backup]",
    about: "Adds an endpoint, until a restart.",
    help: ADMIN_HELP,
    load: async () => (await import("./endpoints.ts")).add,
  },
  {
    name: "remove",
    usage: "UPSTREAM ENDPOINT",
    about: "Takes an endpoint out, until a restart.",
    help: ADMIN_HELP,
    load: async () => (await import("./endpoints.ts")).remove,
  },
  {
    name: "upgrade",
    usage: "[-c FILE] [--admin URL] [--token TOKEN]",
    about: "Replaces a running proxy by the program that is installed now.",
    help: `${ADMIN_HELP}

The new process takes over the listening sockets; no connection is refused or reset.
Exit code 0: it serves, and the old one finishes. 1: it does not, and nothing changed.`,
    load: async () => (await import("./upgrade.ts")).upgrade,
  },
  notYet("test", "[-c FILE]", "Runs the tests of a config."),
  {
    name: "plan",
    usage: "[-c FILE] [--admin URL] [--token TOKEN] [--json] [--exit-code]",
    about: "Tells what a reload would change.",
    help: `${ADMIN_HELP}
  --json              the answer as JSON
  --exit-code         3 in place of 0 if anything would change

Compares the file with what is running, and changes nothing. Exit code 0: it is
known what would change. 1: the config has problems, or nobody answers.`,
    load: async () => (await import("./plan.ts")).plan,
  },
  {
    name: "reload",
    usage: "[-c FILE] [--admin URL] [--token TOKEN]",
    about: "Makes a running proxy take its config anew.",
    help: `${ADMIN_HELP}

Answers when all workers have taken it, or none has. Exit code 1: it was refused, and the
running config stays.`,
    load: async () => (await import("./reload.ts")).reload,
  },
  {
    name: "purge",
    usage: "URL | --tag TAG | --prefix PREFIX | --all [--soft]",
    about: "Removes responses from the cache.",
    help: `${ADMIN_HELP}
  --tag TAG           what has TAG in Surrogate-Key or Cache-Tag
  --prefix PREFIX     what is below a URL: "http://shop.example/news/"
  --all               everything
  --soft              what is stored stays as what is stale: it is asked about, and serves
                      where a stale response may

In force in all workers when it has answered. Exit code 1: nobody answers, or it was refused.`,
    load: async () => (await import("./purge.ts")).purge,
  },
  {
    name: "maintenance",
    usage: "on|off|reset SITE [--route NAME] | --all",
    about: "Answers 503 for a site or a route, or serves it again.",
    help: `${ADMIN_HELP}
  --route NAME        one route of the site
  --all               every site

reset gives the word back to the config. It holds over reloads and not over a restart, and
is in force in all workers when it has answered. Exit code 1: nobody answers, or there is
no such site or route.`,
    load: async () => (await import("./maintenance.ts")).maintenance,
  },
  {
    name: "bans",
    usage: "[add ADDRESS [--for 1h] | lift ADDRESS]",
    about: "Lists who is banned; bans and lifts bans.",
    help: `${ADMIN_HELP}
  --for TIME          how long, "30m" "12h" "7d"; 1h unless it is said

Without add or lift: a line for each client, with the time that is left, why, and how often. In
force in all workers when it has answered. Exit code 1: nobody answers, or it was refused.`,
    load: async () => (await import("./bans.ts")).bans,
  },
  {
    name: "hash-password",
    usage: "[-a argon2id|scrypt|sha256] [-u NAME]",
    about: "Makes the hash of a password for a config.",
    help: `  -a, --algorithm KIND  argon2id unless said; sha256 is for keys of auth.apiKey, which are random
  -u, --user NAME       writes NAME:HASH, a line for the file of auth.basic

Asks for the password on a terminal, twice and without showing it; else reads the
first line of its input.`,
    load: async () => (await import("./hash-password.ts")).hashPassword,
  },
  {
    name: "sign",
    usage: "URL -k ID -e DURATION [--prefix PATH]",
    about: "Makes a URL that auth.hmac takes.",
    help: `  -k, --key ID            the id of the key, as in auth.hmac.keys
  -e, --expires DURATION  for how long it is good from now on: 5m, 1h, 7d
  --prefix PATH           it is good for all paths below, such as /videos/42/, and any query

Asks for the secret on a terminal, twice and without showing it; else reads the
first line of its input.`,
    load: async () => (await import("./sign.ts")).sign,
  },
];

function notYet(name: string, usage: string, about: string): Command {
  return { name, usage, about, help: "Not supported yet.", load: undefined };
}
