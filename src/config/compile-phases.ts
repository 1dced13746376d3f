import type { BuildTools } from "../core/feature.ts";
import type { Filter, Phases } from "../core/filter.ts";
import { features } from "../features/index.ts";
import { maintenance } from "../features/maintenance/maintenance.ts";
import { NOT_ON } from "../features/maintenance/maintenance-options.ts";

/** A route's filters by phase: each list holds only the filters that have that method. */
export function phasesOf(filters: readonly Filter[]): Phases {
  const admit = steps(filters, "admit");
  const identified = steps(filters, "identified");
  const rewrite = steps(filters, "rewrite");
  const lookup = steps(filters, "lookup");
  return {
    before: [...admit, ...identified, ...rewrite, ...lookup],
    admit,
    identified,
    rewrite,
    lookup,
    send: steps(filters, "send"),
    receive: steps(filters, "receive"),
    respond: steps(filters, "respond"),
    finish: steps(filters, "finish"),
  };
}

export type PhaseName = Exclude<keyof Filter, "name" | "arrive" | "explain">;

/** Those that take part in the phase, in the order in which they do. */
export function filtersIn(phase: PhaseName, filters: readonly Filter[]): readonly Filter[] {
  return filters.filter((filter) => filter[phase] !== undefined);
}

function steps<Name extends PhaseName>(filters: readonly Filter[], name: Name) {
  return filtersIn(name, filters).flatMap((filter) => {
    const step = filter[name];
    return step === undefined ? [] : [step.bind(filter) as NonNullable<Filter[Name]>];
  });
}

/** Operators may switch it on anywhere, so there is one also where the config has none. */
export function withMaintenance(filters: readonly Filter[], tools: BuildTools): readonly Filter[] {
  if (filters.some(({ name }) => name === maintenance.name)) return filters;
  const at = features.findIndex(({ name }) => name === maintenance.name);
  const ahead = new Set(features.slice(0, at).map(({ name }) => name));
  const isAhead = ({ name }: Filter) => ahead.has(name);
  return [
    ...filters.filter(isAhead),
    maintenance.build(NOT_ON, tools),
    ...filters.filter((each) => !isAhead(each)),
  ];
}
