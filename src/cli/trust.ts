/** `sluice trust`: the root of `tls: internal`, and how a machine comes to trust it. */
import { parseArgs } from "node:util";
import { SystemClock } from "../base/system-clock.ts";
import { check } from "../config/check.ts";
import { load } from "../config/load.ts";
import { problemLine } from "../config/problems.ts";
import { vocabulary } from "../features/index.ts";
import { openStorage } from "../tls/acme/disk-storage.ts";
import { InternalIssuer } from "../tls/acme/internal-issuer.ts";
import type { AnswerIo } from "./command.ts";

const USAGE = "Usage: sluice trust [-c FILE] [--pem]";

/** 0: there is a root, 1: there is none and none can be made, 2: wrong usage. */
export async function trust(args: readonly string[], io: AnswerIo): Promise<number> {
  const options = readOptions(args, io);
  if (options === undefined) return 2;
  const { config: file } = options;
  const loaded = await load({ folder: io.cwd, ...(file === undefined ? {} : { file }) });
  const { config, problems } = check(loaded, vocabulary, { reads: false });
  if (config === undefined) {
    io.stderr.write(`${problems.map(problemLine).join("\n")}\n`);
    return 1;
  }
  const clock = new SystemClock();
  const storage = openStorage(clock, config.acme.storage);
  const issuer = new InternalIssuer(clock, storage);
  try {
    const pem = await issuer.root();
    io.stdout.write(options.pem ? pem : instructions(storage.pathOf(InternalIssuer.rootFile)));
    return 0;
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    io.stderr.write(`sluice trust: the root cannot be read or made: ${why}\n`);
    return 1;
  }
}

function readOptions(args: readonly string[], io: AnswerIo) {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: { config: { type: "string", short: "c" }, pem: { type: "boolean" } },
    });
    return { config: values.config, pem: values.pem ?? false };
  } catch (error) {
    io.stderr.write(`sluice trust: ${error instanceof Error ? error.message : String(error)}\n`);
    io.stderr.write(`${USAGE}\n`);
    return undefined;
  }
}

/** Nothing is changed here: whom a machine trusts is for its owner to say. */
function instructions(root: string): string {
  const file = /^[\w./-]+$/.test(root) ? root : `'${root.replaceAll("'", "'\\''")}'`;
  return `The root of tls: internal is in ${root}.
Who trusts it trusts every certificate that its key signs, so keep the folder to yourself.

Debian, Ubuntu   sudo cp ${file} /usr/local/share/ca-certificates/sluice.crt && sudo update-ca-certificates
Fedora, RHEL     sudo trust anchor ${file}
macOS            sudo security add-trusted-cert -d -r trustRoot -k /Library/Keychains/System.keychain ${file}
Windows          certutil -addstore -f ROOT ${file}
Chrome on Linux  certutil -d sql:$HOME/.pki/nssdb -A -t C,, -n sluice -i ${file}
Firefox          settings, certificates, import; or security.enterprise_roots.enabled
curl             curl --cacert ${file} https://…
Node             NODE_EXTRA_CA_CERTS=${file}
`;
}
