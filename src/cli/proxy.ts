/** `sluice proxy --from :8080 --to localhost:3000`: a proxy in one line, without a config file. */
import { loadValue } from "../config/load.ts";
import type { CommandIo } from "./command.ts";
import { readOptions, wrongUsage } from "./options.ts";
import { serve } from "./run.ts";

const OPTIONS = {
  from: { type: "string", multiple: true },
  to: { type: "string", multiple: true },
  admin: { type: "string", default: "off" },
  log: { type: "string", default: "stdout" },
} as const;

export async function proxy(args: readonly string[], io: CommandIo): Promise<number> {
  const options = readOptions("proxy", args, OPTIONS, io);
  if (options === undefined) return 2;
  const from = listed(options.from);
  const to = listed(options.to);
  if (from.length === 0) return wrongUsage("proxy", "--from is missing, such as --from :8080", io);
  if (to.length === 0) return wrongUsage("proxy", "--to is missing, such as --to :3000", io);

  const config = proxyConfig({ from, to, admin: options.admin, log: options.log });
  return serve(() => loadValue(config, "sluice proxy", { folder: io.cwd }), 1, io);
}

interface ProxyOptions {
  readonly from: readonly string[];
  readonly to: readonly string[];
  readonly admin: string;
  readonly log: string;
}

/** The config that the one line stands for. The admin listener is off, so that two can run. */
export function proxyConfig({ from, to, admin, log }: ProxyOptions) {
  return {
    admin: admin === "off" ? "off" : { listen: admin },
    log: { access: log },
    upstreams: { app: { endpoints: to.map(withHost) } },
    sites: [{ hosts: ["*"], listen: [...from], routes: [{ forward: "app" }] }],
  };
}

/** ":3000" is a port of this machine. */
function withHost(endpoint: string): string {
  return endpoint.startsWith(":") ? `localhost${endpoint}` : endpoint;
}

/** Both `--to a,b` and `--to a --to b`. */
function listed(values: readonly string[] | undefined): string[] {
  return (values ?? [])
    .flatMap((value) => value.split(","))
    .map((value) => value.trim())
    .filter((value) => value !== "");
}
