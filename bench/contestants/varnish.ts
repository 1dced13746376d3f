import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { findProgram } from "../machine/place.ts";
import type { Contestant } from "./contestant.ts";

/** A cache and nothing else. Its log goes to shared memory, where nobody reads it. */
export const varnish: Contestant = {
  name: "varnish",
  runsOnNode: false,
  missing: () => (findProgram("varnishd") === undefined ? "not installed" : undefined),
  launch({ folder, listenPort, originPort, gzipLevel }) {
    const path = join(folder, "bench.vcl");
    writeFileSync(path, vcl(originPort, gzipLevel > 0));
    const address = `127.0.0.1:${listenPort}`;
    const storage = ["-j", "none", "-s", "malloc,256m", "-n", join(folder, "varnish")];
    return { command: [findProgram("varnishd")!, "-F", "-a", address, "-f", path, ...storage] };
  },
};

function vcl(originPort: number, isCoded: boolean): string {
  return `vcl 4.1;
backend default { .host = "127.0.0.1"; .port = "${originPort}"; }
sub vcl_recv { unset req.http.Cookie; }
sub vcl_backend_response { set beresp.ttl = 1h; ${isCoded ? "set beresp.do_gzip = true; " : ""}}
`;
}
