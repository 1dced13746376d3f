/**
 * A config that is a program: one site for each team, all alike. It is checked like YAML, and the
 * editor knows every key.
 *
 *     sluice explain -c examples/typescript/sluice.config.ts GET http://search.example.com:8080/
 */
import type { ConfigInput } from "sluice";

const teams = { shop: 3001, search: 3002, account: 3003 };

const config: ConfigInput = {
  upstreams: Object.fromEntries(
    Object.entries(teams).map(([team, port]) => [
      team,
      { endpoints: `127.0.0.1:${port}`, timeouts: { responseHead: "10s" } },
    ]),
  ),
  defaults: { errors: { reasonHeader: true } },
  sites: Object.keys(teams).map((team) => ({
    hosts: [`${team}.example.com`],
    listen: [":8080"],
    routes: [
      { name: `${team}-health`, match: { path: "/healthz" }, respond: "ok\n" },
      { name: team, forward: team },
    ],
  })),
};

export default config;
