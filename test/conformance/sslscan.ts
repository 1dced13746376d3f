/** rbsec/sslscan from Debian's packages: which protocols and ciphers are to be had, and what must not be. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { part } from "../support/parts.ts";
import { PROFILES, startScannedSite } from "./scanned-site.ts";
import { type Outcome, type Suite, settle } from "./suite.ts";

const PROTOCOLS = { modern: ["TLS 1.3"], intermediate: ["TLS 1.2", "TLS 1.3"] };
const SOUND = /^(?:TLS_|ECDHE-).*(?:GCM|CHACHA20)/; // forward secrecy and authenticated encryption
const TIMEOUT_MS = 120_000;

export const sslscan: Suite = {
  name: "sslscan",
  about: "rbsec/sslscan, every profile: protocols, ciphers, renegotiation, compression, Heartbleed",
  async run({ start, path }) {
    const program = path ?? part("sslscan");
    if (program === undefined) return { skipped: "sslscan is not installed" };
    if (part("openssl") === undefined) return { skipped: "openssl is not installed" };
    const outcomes: Outcome[] = [];
    for (const profile of PROFILES) {
      await using site = await startScannedSite(start, profile);
      const args = ["--xml=-", "--no-colour", "--sni-name=a.test", `127.0.0.1:${site.port}`];
      const { stdout } = await promisify(execFile)(program, args, { timeout: TIMEOUT_MS });
      const cases = casesIn(stdout, PROTOCOLS[profile]);
      if (cases.length < 10) throw new Error(`sslscan has reported too little:\n${stdout}`);
      outcomes.push(...cases.map((each) => ({ ...each, group: profile, gap: undefined })));
    }
    return { groups: settle(outcomes) };
  },
};

type Case = Pick<Outcome, "id" | "passed" | "detail">;

function casesIn(xml: string, wanted: readonly string[]): Case[] {
  const all = [...xml.matchAll(/<([a-z-]+) ([^>]*?)\/?>/g)].map(([detail, tag = "", text = ""]) => {
    const pairs = [...text.matchAll(/(\w+)="([^"]*)"/g)].map(([, key, value]) => [key, value]);
    return { tag, detail, is: Object.fromEntries(pairs) as Record<string, string> };
  });
  return all.flatMap(({ tag, detail, is }): Case[] => {
    const { type = "", version = "", enabled, supported, vulnerable, cipher } = is;
    if (tag === "protocol") {
      const name = `${type.toUpperCase()} ${version}`;
      return [{ id: name, passed: (enabled === "1") === wanted.includes(name), detail }];
    }
    if (tag === "renegotiation") return [{ id: tag, passed: supported === "0", detail }];
    if (tag === "compression") return [{ id: tag, passed: supported === "0", detail }];
    if (tag === "fallback") return [{ id: tag, passed: supported === "1", detail }];
    if (tag === "heartbleed") {
      return [{ id: `${tag} ${is["sslversion"]}`, passed: vulnerable === "0", detail }];
    }
    if (tag !== "cipher" || cipher === undefined) return [];
    const id = `${is["sslversion"]} ${cipher}`;
    return [{ id, passed: SOUND.test(cipher), detail }];
  });
}
