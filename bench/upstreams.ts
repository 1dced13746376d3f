/**
 * What a small proxied GET costs by what the endpoint is spoken to in: HTTP/1 and HTTP/2, with and
 * without TLS, next to nginx and HAProxy doing the same. Clients speak HTTP/1 to all of them.
 *
 *     node bench/upstreams.ts [--rounds 5] [--seconds 1] [--only ours]
 *
 * The origin is one nginx with a port for each; nobody writes an access log, nobody verifies.
 */
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { buildSluice, sluiceCommand } from "./contestants/sluice.ts";
import { Child, stopChildrenOnExit } from "./machine/child.ts";
import { freePort } from "./machine/free-port.ts";
import {
  CONTESTANT_CORE,
  describeMachine,
  findProgram,
  LOAD_CORE,
  moveToLoadCore,
  nginxUserLine,
  WorkFolder,
  whyNotHere,
} from "./machine/place.ts";
import { cpuNs } from "./machine/process-tree.ts";
import { BROWSER_HEAD } from "./parts/request-heads.ts";
import { type Load, runWrk } from "./parts/wrk.ts";
import { median } from "./report/statistics.ts";
import { wordsOf } from "./scenarios/runner.ts";

const LOAD: Load = { target: "/", connections: 64, headers: BROWSER_HEAD, script: ["get"] };
const WARMUP_S = 3;
const READY_MS = 10_000;
const MANNERS = ["http", "https", "h2c", "h2"] as const;

type Manner = (typeof MANNERS)[number];
type Ports = Readonly<Record<Manner, number>>;

interface Job {
  readonly folder: string;
  readonly listenPort: number;
  readonly manner: Manner;
  readonly originPort: number;
}

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "5" },
    seconds: { type: "string", default: "1" },
    only: { type: "string", default: "" },
  },
});

try {
  const obstacle = whyNotHere();
  if (obstacle !== undefined) throw new Error(`Cannot measure here: ${obstacle}`);
  await main(Number(values.rounds), Number(values.seconds));
} catch (failure) {
  console.error(wordsOf(failure));
  process.exitCode = 2;
}

async function main(rounds: number, seconds: number): Promise<void> {
  buildSluice([]);
  moveToLoadCore();
  stopChildrenOnExit();
  using folder = new WorkFolder();
  await using origin = await startOrigin(folder.path);
  const { processor, cores } = describeMachine();
  console.log(`${processor}, ${cores} cores; µs of CPU a request, median of ${rounds}\n`);
  console.log("| endpoint | sluice | nginx | HAProxy | sluice to nginx |");
  console.log("|----------|-------:|------:|--------:|----------------:|");
  for (const manner of MANNERS) {
    await compare(folder.path, { manner, originPort: origin.ports[manner] }, { rounds, seconds });
  }
}

async function compare(
  folder: string,
  what: Pick<Job, "manner" | "originPort">,
  { rounds, seconds }: { readonly rounds: number; readonly seconds: number },
): Promise<void> {
  const { manner } = what;
  const makers = { sluice: sluiceOf, nginx: nginxOf, haproxy: haproxyOf };
  await using children = new AsyncDisposableStack();
  const running = new Map<string, Child>();
  for (const [name, commandOf] of Object.entries(makers)) {
    if (values.only === "ours" && name !== "sluice") continue;
    if (name !== "sluice" && findProgram(name) === undefined) continue;
    const listenPort = await freePort();
    const command = commandOf({ folder, listenPort, ...what });
    if (command === undefined) continue;
    const path = join(folder, `${name}-${manner}`);
    const child = new Child({
      ...{ name, command, cores: String(CONTESTANT_CORE), port: listenPort },
      ...{ outputPath: `${path}.out`, errorPath: `${path}.err` },
    });
    children.use(child);
    await child.ready(READY_MS);
    await runWrk(LOAD, listenPort, WARMUP_S);
    running.set(name, child);
  }
  const costs = new Map<string, number[]>([...running.keys()].map((name) => [name, []]));
  for (let round = 0; round < rounds; round++) {
    const turn = round % 2 === 0 ? [...running] : [...running].toReversed();
    for (const [name, child] of turn) costs.get(name)!.push(await slice(child, seconds));
  }
  tell(manner, costs);
}

function tell(manner: Manner, costs: ReadonlyMap<string, readonly number[]>): void {
  const cell = (name: string) => {
    const found = costs.get(name);
    return found === undefined ? "-" : median(found).toFixed(1);
  };
  const [ours, theirs] = [costs.get("sluice")!, costs.get("nginx")];
  const ratio =
    theirs === undefined ? "-" : median(ours.map((us, at) => us / theirs[at]!)).toFixed(2);
  console.log(
    `| ${manner} | ${cell("sluice")} | ${cell("nginx")} | ${cell("haproxy")} | ${ratio} |`,
  );
}

async function slice(child: Child, seconds: number): Promise<number> {
  const beforeNs = cpuNs(child.tree);
  const { requests } = await runWrk(LOAD, child.port, seconds);
  return (cpuNs(child.tree) - beforeNs) / 1000 / requests;
}

// --- who takes part ------------------------------------------------------------------------------

function sluiceOf({ folder, listenPort, manner, originPort }: Job): readonly string[] {
  const path = join(folder, `sluice-${manner}.yaml`);
  const app = {
    endpoints: [`${manner}://127.0.0.1:${originPort}`],
    ...(manner === "https" ? { protocols: ["h1"] } : {}),
    ...(isSecured(manner) ? { tls: { verify: false } } : {}),
  };
  const listen = [`127.0.0.1:${listenPort}`];
  const sites = [{ hosts: ["*"], listen, routes: [{ forward: "app" }] }];
  const config = { workers: 1, admin: "off", log: { access: "off" }, upstreams: { app }, sites };
  writeFileSync(path, JSON.stringify(config));
  return sluiceCommand(path);
}

function isSecured(manner: Manner): boolean {
  return manner === "https" || manner === "h2";
}

/** nginx speaks HTTP/2 to endpoints with grpc_pass alone. */
function nginxOf({ folder, listenPort, manner, originPort }: Job): readonly string[] {
  const path = join(folder, `nginx-${manner}.conf`);
  const isHttp2 = manner === "h2c" || manner === "h2";
  const pass = isHttp2
    ? `grpc_pass ${manner === "h2" ? "grpcs" : "grpc"}://app;
       grpc_set_header X-Forwarded-For $remote_addr; grpc_ssl_protocols TLSv1.3;`
    : `proxy_pass ${manner}://app; proxy_http_version 1.1; proxy_set_header Connection "";
       proxy_set_header X-Forwarded-For $remote_addr; proxy_ssl_protocols TLSv1.3;`;
  writeFileSync(
    path,
    `${nginxUserLine()} daemon off; worker_processes 1; worker_rlimit_nofile 20000;
pid ${folder}/nginx-${manner}.pid; error_log stderr crit;
events { worker_connections 9000; }
http {
  access_log off; keepalive_requests 100000000;
  upstream app { server 127.0.0.1:${originPort}; keepalive 128; keepalive_requests 100000000; }
  server { listen 127.0.0.1:${listenPort}; location / { ${pass} } }
}
`,
  );
  return [findProgram("nginx")!, "-p", folder, "-c", path];
}

function haproxyOf({ folder, listenPort, manner, originPort }: Job): readonly string[] {
  const path = join(folder, `haproxy-${manner}.cfg`);
  const how = {
    http: "",
    https: "ssl verify none alpn http/1.1",
    h2c: "proto h2",
    h2: "ssl verify none alpn h2",
  };
  writeFileSync(
    path,
    `global
  nbthread 1
defaults
  mode http
  option forwardfor
  http-reuse always
  timeout connect 5s
  timeout client 60s
  timeout server 60s
frontend in
  bind 127.0.0.1:${listenPort}
  default_backend app
backend app
  server one 127.0.0.1:${originPort} ${how[manner]}
`,
  );
  return [findProgram("haproxy")!, "-f", path];
}

interface Origin extends AsyncDisposable {
  readonly ports: Ports;
}

async function startOrigin(folder: string): Promise<Origin> {
  const [cert, key] = [join(folder, "cert.pem"), join(folder, "key.pem")];
  execFileSync(
    "openssl",
    [
      ...["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"],
      ...["-days", "2", "-subj", "/CN=origin.test", "-keyout", key, "-out", cert],
    ],
    { stdio: "ignore" },
  );
  const ports = {
    http: await freePort(),
    https: await freePort(),
    h2c: await freePort(),
    h2: await freePort(),
  };
  const path = join(folder, "origin.conf");
  writeFileSync(
    path,
    `${nginxUserLine()} daemon off; worker_processes 1; worker_rlimit_nofile 16000;
pid ${folder}/origin.pid; error_log stderr crit;
events { worker_connections 7000; }
http {
  access_log off; keepalive_requests 100000000; default_type application/json;
  ssl_certificate ${cert}; ssl_certificate_key ${key}; ssl_protocols TLSv1.3;
  server {
    listen 127.0.0.1:${ports.http}; listen 127.0.0.1:${ports.https} ssl;
    listen 127.0.0.1:${ports.h2c} http2; listen 127.0.0.1:${ports.h2} ssl http2;
    location / { return 200 '{"id":4711,"name":"a small answer","tags":["proxied"],"stock":12,"price":19.9}'; }
  }
}
`,
  );
  const child = new Child({
    name: "origin",
    command: [findProgram("nginx")!, "-p", folder, "-c", path],
    cores: String(LOAD_CORE),
    port: ports.http,
    outputPath: join(folder, "origin.out"),
    errorPath: join(folder, "origin.err"),
  });
  await child.ready(READY_MS);
  return { ports, [Symbol.asyncDispose]: () => child[Symbol.asyncDispose]() };
}
