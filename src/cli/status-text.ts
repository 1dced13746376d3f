/** `/api/status` for people. */

/** As the admin listener answers; what later versions add is not needed here. */
export interface ProxyStatus {
  readonly version: string;
  readonly uptimeSeconds: number;
  readonly readiness: string;
  readonly config: { readonly name: string; readonly version: number };
  readonly requestsActive: number;
  readonly listeners: readonly { readonly key: string; readonly connections: number }[];
  readonly cache?: { readonly memory: StatusStore; readonly disk?: StatusDisk };
  readonly automaticCertificates?: readonly StatusKeeper[];
  readonly certificates?: readonly StatusCertificate[];
  readonly maintenance?: readonly StatusMaintenance[];
  readonly upstreams: readonly {
    readonly name: string;
    readonly added?: readonly string[];
    readonly removed?: readonly string[];
    readonly endpoints: readonly StatusEndpoint[];
  }[];
}

interface StatusMaintenance {
  readonly site: string;
  readonly route?: string;
  readonly on: boolean;
  readonly by: string;
}

interface StatusStore {
  readonly bytes: number;
  readonly bytesMax: number;
  readonly objects: number;
}

interface StatusDisk extends StatusStore {
  readonly path: string;
  readonly errors: number;
}

interface StatusCertificate {
  readonly id: string;
  readonly names: readonly string[];
  readonly secondsLeft: number;
  readonly warnings: readonly string[];
}

interface StatusKeeper {
  readonly names: readonly string[];
  readonly state: string;
  readonly problem?: string;
}

interface StatusEndpoint {
  readonly name: string;
  readonly weight: number;
  readonly backup: boolean;
  readonly health: string;
  readonly active: number;
  readonly concurrency?: { readonly limit: number };
  readonly addresses?: readonly string[];
  readonly why?: string;
}

/** Per second. */
export interface Rates {
  readonly requests: number;
  readonly faults: number;
  readonly byEndpoint: ReadonlyMap<string, number>; // "upstream endpoint"
}

export function statusText(status: ProxyStatus, rates: Rates | undefined): string {
  const { version, uptimeSeconds, readiness, config, requestsActive } = status;
  const counts = [`${requestsActive} in flight`];
  if (rates !== undefined) {
    counts.push(perSecond(rates.requests), `${perSecond(rates.faults)} faults`);
  }
  const running = `${config.name} (version ${config.version})`;
  const lines = [
    `sluice ${version}, ${readiness}, up ${ageText(uptimeSeconds)}, ${running}`,
    `requests: ${counts.join(", ")}`,
    "",
    ...table([
      ["listener", "connections"],
      ...status.listeners.map(({ key, connections }) => [key, String(connections)]),
    ]),
  ];
  const { cache, certificates = [], automaticCertificates = [], maintenance = [] } = status;
  if (maintenance.length > 0) lines.push("", ...maintenanceText(maintenance));
  if (cache !== undefined) {
    lines.push("", `cache in memory: ${storeText(cache.memory)}`);
    if (cache.disk !== undefined) lines.push(diskText(cache.disk));
  }
  if (certificates.length > 0) lines.push("", ...certificatesText(certificates));
  for (const { names, state, problem } of automaticCertificates) {
    if (problem !== undefined) lines.push(`  ${namesText(names)} is ${state}: ${problem}`);
  }
  for (const { name, endpoints, added = [], removed = [] } of status.upstreams) {
    const head = [
      "endpoint",
      "is",
      "weight",
      "in flight",
      ...(rates === undefined ? [] : ["rate"]),
    ];
    const rows = endpoints.map((each) => [
      `  ${each.name}${added.includes(each.name) ? " (added)" : ""}`,
      each.health,
      `${each.weight}${each.backup ? " backup" : ""}`,
      each.concurrency === undefined
        ? `${each.active}`
        : `${each.active} (limit ${each.concurrency.limit})`,
      ...(rates === undefined
        ? []
        : [perSecond(rates.byEndpoint.get(`${name} ${each.name}`) ?? 0)]),
      leadsTo(each),
    ]);
    lines.push("", `upstream ${name}`, ...table([[`  ${head[0]}`, ...head.slice(1)], ...rows]));
    if (removed.length > 0) lines.push(`  removed by operators: ${removed.join(", ")}`);
  }
  return lines.join("\n");
}

function diskText(disk: StatusDisk): string {
  const errors = disk.errors === 0 ? "" : `, ${disk.errors} errors`;
  return `cache in ${disk.path}: ${storeText(disk)}${errors}`;
}

function storeText({ bytes, bytesMax, objects }: StatusStore): string {
  return `${mebibytes(bytes)} of ${mebibytes(bytesMax)} MiB, ${objects} objects`;
}

function mebibytes(bytes: number): string {
  return String(Math.round((bytes / 1024 / 1024) * 10) / 10);
}

const NAMES_MAX = 3;

function maintenanceText(states: readonly StatusMaintenance[]): readonly string[] {
  return table([
    ["maintenance", "is", "by"],
    ...states.map(({ site, route, on, by }) => [
      route === undefined ? site : `${site} ${route}`,
      on ? "on" : "off",
      by,
    ]),
  ]);
}

function certificatesText(certificates: readonly StatusCertificate[]): string[] {
  const rows = certificates.map(({ names, secondsLeft }) => [
    namesText(names),
    secondsLeft < 0 ? "expired" : ageText(secondsLeft),
  ]);
  const told = certificates.flatMap(({ names, warnings }) =>
    warnings.map((warning) => `  ${namesText(names)}: ${warning}`),
  );
  return [...table([["certificate for", "expires in"], ...rows]), ...told];
}

function namesText(names: readonly string[]): string {
  const more = names.length > NAMES_MAX ? ` and ${names.length - NAMES_MAX} more` : "";
  return `${names.slice(0, NAMES_MAX).join(", ")}${more}`;
}

function leadsTo({ addresses, why }: StatusEndpoint): string {
  const where = addresses === undefined ? "" : `→ ${addresses.join(", ") || "nowhere"}`;
  return why === undefined ? where : `${where} (${why})`;
}

function table(rows: readonly (readonly string[])[]): string[] {
  const widths: number[] = [];
  for (const row of rows) {
    for (const [column, text] of row.entries()) {
      widths[column] = Math.max(widths[column] ?? 0, text.length);
    }
  }
  return rows.map((row) =>
    row
      .map((text, column) => text.padEnd(widths[column]!))
      .join("  ")
      .trimEnd(),
  );
}

function perSecond(rate: number): string {
  return `${rate >= 100 ? Math.round(rate) : Math.round(rate * 10) / 10}/s`;
}

/** 3725 → "1h 2m" */
export function ageText(seconds: number): string {
  const parts: [number, string][] = [
    [Math.floor(seconds / 86_400), "d"],
    [Math.floor(seconds / 3_600) % 24, "h"],
    [Math.floor(seconds / 60) % 60, "m"],
    [seconds % 60, "s"],
  ];
  const from = parts.findIndex(([count]) => count > 0);
  if (from === -1) return "0s";
  return parts
    .slice(from, from + 2)
    .filter(([count]) => count > 0)
    .map(([count, unit]) => `${count}${unit}`)
    .join(" ");
}
