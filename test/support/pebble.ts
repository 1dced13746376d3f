/** The real pebble: a CA for tests, which refuses nonces and takes its time. */
import { type ChildProcess, spawn } from "node:child_process";
import { generateKeyPairSync, randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { request } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  alternativeNames,
  toPem,
  writeCertificate,
} from "../../src/protocol/acme/certificate-writer.ts";
import { freePort } from "./free.ts";
import { answers } from "./nginx.ts";
import { part } from "./parts.ts";

export interface PebbleOptions {
  readonly httpPort?: number; // where it looks for http-01
  readonly tlsPort?: number; // and for tls-alpn-01
  readonly nonceReject?: number; // percent; 5 by default
  readonly authzReuse?: number; // percent; 50 by default
  readonly sleeps?: boolean; // before it looks, up to 3 s; off by default
  readonly external?: Readonly<Record<string, string>>; // accounts by key id: base64url
  readonly dnsServer?: string; // instead of the test server that comes with it
}

export interface Pebble extends AsyncDisposable {
  readonly directory: string; // the URL
  readonly roots: string; // PEM: what its own HTTPS certificate comes from
  readonly issuingRoot: () => Promise<string>; // PEM: what it issues comes from
  readonly dnsPort: number;
  readonly log: () => string;
  /** Of a certificate, by its serial number in hex. */
  status(serial: string): Promise<string>;
}

/** Every name of a test leads to 127.0.0.1. */
export async function startPebble(options: PebbleOptions = {}): Promise<Pebble> {
  const folder = await mkdtemp(join(tmpdir(), "sluice-pebble-"));
  const [port, managementPort, dnsPort, dnsManagementPort] = await Promise.all([
    freePort(),
    freePort(),
    freePort(),
    freePort(),
  ]);
  const own = ownCertificate();
  const pem = join(folder, "cert.pem");
  const keyFile = join(folder, "key.pem");
  await writeFile(pem, own.cert);
  await writeFile(keyFile, own.key);
  const file = join(folder, "pebble.json");
  const listen = { listenAddress: `127.0.0.1:${port}`, certificate: pem, privateKey: keyFile };
  const managementListenAddress = `127.0.0.1:${managementPort}`;
  const pebble = { ...listen, managementListenAddress, ...settingsOf(options) };
  await writeFile(file, JSON.stringify({ pebble }));

  const children: ChildProcess[] = [];
  if (options.dnsServer === undefined) {
    children.push(await startDns(dnsPort, dnsManagementPort));
  }
  const child = spawn(
    part("pebble")!,
    ["-config", file, "-dnsserver", options.dnsServer ?? `127.0.0.1:${dnsPort}`],
    {
      stdio: ["ignore", "pipe", "pipe"],
      env: {
        ...process.env,
        ...(options.sleeps === true ? { PEBBLE_VA_SLEEPTIME: "3" } : { PEBBLE_VA_NOSLEEP: "1" }),
        PEBBLE_WFE_NONCEREJECT: String(options.nonceReject ?? 5),
        PEBBLE_AUTHZREUSE: String(options.authzReuse ?? 50),
      },
    },
  );
  children.push(child);
  let log = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => {
      log = (log + text).slice(-1_000_000);
    });
  }
  await answers(port, child);
  await answers(managementPort, child);
  const management = (path: string) =>
    getText(`https://127.0.0.1:${managementPort}${path}`, own.cert);
  return {
    directory: `https://127.0.0.1:${port}/dir`,
    roots: own.cert,
    issuingRoot: () => management("/roots/0"),
    dnsPort,
    log: () => log,
    status: (serial) => management(`/cert-status-by-serial/${serial}`),
    async [Symbol.asyncDispose]() {
      for (const each of children) {
        if (each.exitCode !== null) continue;
        each.kill("SIGKILL");
        await once(each, "exit");
      }
      await rm(folder, { recursive: true });
    },
  };
}

function settingsOf({ httpPort, tlsPort, external }: PebbleOptions) {
  return {
    httpPort: httpPort ?? 5002,
    tlsPort: tlsPort ?? 5001,
    ocspResponderURL: "",
    externalAccountBindingRequired: external !== undefined,
    externalAccountMACKeys: external ?? {},
  };
}

async function startDns(port: number, managementPort: number): Promise<ChildProcess> {
  const args = ["-dns01", `127.0.0.1:${port}`, "-management", `127.0.0.1:${managementPort}`];
  const off = ["-http01", "", "-https01", "", "-tlsalpn01", "", "-defaultIPv6", ""];
  const dns = spawn(part("pebble-challtestsrv")!, [...args, ...off], { stdio: "ignore" });
  await answers(managementPort, dns);
  return dns;
}

function ownCertificate(): { readonly cert: string; readonly key: string } {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const bytes = writeCertificate(
    {
      serial: randomBytes(8),
      issuer: "pebble",
      subject: "pebble",
      notBeforeMs: Date.now() - 3_600_000,
      notAfterMs: Date.now() + 86_400_000,
      publicKey,
      extensions: [alternativeNames(["localhost", "127.0.0.1"])],
    },
    privateKey,
  );
  return {
    cert: toPem("CERTIFICATE", bytes),
    key: privateKey.export({ type: "pkcs8", format: "pem" }),
  };
}

function getText(url: string, ca: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const asking = request(url, { ca, agent: false }, (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => {
        text += chunk;
      });
      response.on("end", () => resolve(text));
    });
    asking.on("error", reject);
    asking.end();
  });
}
