import { caddy } from "../contestants/caddy.ts";
import type { Contestant } from "../contestants/contestant.ts";
import { haproxy } from "../contestants/haproxy.ts";
import { nginx, nginxAsPackaged, nginxCached, nginxCachedCoded } from "../contestants/nginx.ts";
import { fastifyHttpProxy, httpProxy, nodeHttp } from "../contestants/node-programs.ts";
import {
  type SluiceContestant,
  sluice,
  sluiceCached,
  sluiceRefusing,
  sluiceStream,
} from "../contestants/sluice.ts";
import { haproxyTcp, nginxStream } from "../contestants/streams.ts";
import { varnish } from "../contestants/varnish.ts";
import { type Field, GZIP_LEVEL, SITES_FEW, SITES_MANY } from "./scenario.ts";

/** A contestant as it takes part in one scenario: a row of the table. */
export interface Entry {
  readonly label: string;
  readonly contestant: Contestant;
  readonly accessLog: boolean;
  readonly sites: number;
  readonly isTls?: boolean;
  readonly gzipLevel: number;
}

export interface Choice {
  readonly only: readonly string[]; // names, or "ours"; empty: everybody
  readonly against: readonly string[]; // other checkouts of Sluice
}

export function entriesOf(field: Field, choice: Choice): readonly Entry[] {
  const chosen = chosenContestants(choice);
  switch (field) {
    case "streams":
      // HAProxy first: it is what ratios are to, unless somebody is named.
      return [
        ...(chosen.includes(haproxy) ? [entry(haproxyTcp, false)] : []),
        ...(chosen.includes(nginx) ? [entry(nginxStream, false)] : []),
        ...chosen.filter(isSluice).map((contestant) => entry(sluiceStream(contestant), false)),
      ];
    case "refused":
      // What is proxied first: it is what ratios are to, unless somebody is named.
      return chosen
        .filter(isSluice)
        .flatMap((each) => [each, sluiceRefusing(each, 429), sluiceRefusing(each, 403)])
        .map((each) => entry(each, true));
    case "cached":
      return [
        ...chosen.filter(isSluice).map((contestant) => entry(sluiceCached(contestant), true)),
        ...(chosen.includes(nginx) ? [entry(nginxCached, true), entry(varnish, true)] : []),
      ];
    case "cachedGzip":
      return [
        ...chosen.filter(isSluice).flatMap((contestant) => [
          withGzip(sluiceCached(contestant)),
          {
            ...entry(sluiceCached(contestant), true),
            label: `${contestant.name} (cache, plain)`,
          },
        ]),
        ...(chosen.includes(nginx)
          ? [withGzip(nginxCachedCoded), withGzip(nginxCached), withGzip(varnish)]
          : []),
      ];
    case "tls":
      return chosen.filter(isSiteRouter).map((each) => ({ ...entry(each, true), isTls: true }));
    case "logged":
      return chosen.map((contestant) => entry(contestant, true));
    case "bodies":
      return [
        ...chosen.map((contestant) => entry(contestant, true)),
        ...(chosen.includes(nginx) ? [entry(nginxAsPackaged, true)] : []),
      ];
    case "gzip":
      return chosen.filter(isSiteRouter).map((contestant) => withGzip(contestant));
    case "unlogged":
      return chosen.map((contestant) => entry(contestant, false));
    case "loggedAndNot":
      return [
        ...chosen.map((contestant) => entry(contestant, true)),
        ...chosen.filter(isSiteRouter).map((contestant) => withoutLog(contestant)),
      ];
    case "sites":
      return chosen
        .filter(isSiteRouter)
        .flatMap((contestant) => [
          withSites(contestant, SITES_FEW),
          withSites(contestant, SITES_MANY),
        ]);
  }
}

function chosenContestants({ only, against }: Choice): readonly Contestant[] {
  const all = [
    sluice(),
    ...against.map((root) => sluice(root)),
    nginx,
    haproxy,
    caddy,
    nodeHttp,
    httpProxy,
    fastifyHttpProxy,
  ];
  const unknown = only.filter((name) => !all.some((contestant) => isCalled(contestant, name)));
  if (unknown.length > 0) {
    const known = all.map(({ name }) => name).join(", ");
    throw new Error(`Cannot use --only: must name ours or some of ${known}, got ${unknown}`);
  }
  if (only.length === 0) return all;
  return all.filter((contestant) => only.some((name) => isCalled(contestant, name)));
}

function isCalled(contestant: Contestant, name: string): boolean {
  return contestant.name === name || (name === "ours" && isOurs(contestant));
}

function isSluice(contestant: Contestant): contestant is SluiceContestant {
  return "root" in contestant;
}

function isOurs(contestant: Contestant): boolean {
  return contestant.name.startsWith("sluice");
}

/** Only these are also measured without a log and with many sites: ours and the reference. */
function isSiteRouter(contestant: Contestant): boolean {
  return isOurs(contestant) || contestant === nginx;
}

function entry(contestant: Contestant, accessLog: boolean): Entry {
  return { label: contestant.name, contestant, accessLog, sites: 0, gzipLevel: 0 };
}

function withoutLog(contestant: Contestant): Entry {
  return { ...entry(contestant, false), label: `${contestant.name} (no log)` };
}

function withGzip(contestant: Contestant): Entry {
  return { ...entry(contestant, true), gzipLevel: GZIP_LEVEL };
}

function withSites(contestant: Contestant, sites: number): Entry {
  return { ...entry(contestant, true), label: `${contestant.name} (${sites} sites)`, sites };
}
