import { KeyCounts } from "../../base/key-counts.ts";
import type { Exchange } from "../../core/exchange.ts";
import type { Fault } from "../../core/fault.ts";
import type { BuildTools, Feature } from "../../core/feature.ts";
import { durationAboveZero, wanted, wholeNumber, z } from "../../core/fields.ts";
import type { Filter, Reply, Step } from "../../core/filter.ts";
import { type Mode, modeField, refuse } from "../../core/refusal.ts";
import { type TrafficKey, trafficKey, trafficKeyField } from "../../core/traffic-key.ts";
import { type LineShape, Places } from "./places.ts";

interface InFlightOptions {
  readonly max: number;
  readonly per: string;
  readonly queue?: { readonly max: number; readonly timeout: number } | undefined;
  readonly mode: Mode;
}

const aMap = (form: string) => ({
  error: (issue: { readonly code?: string; readonly input?: unknown }) =>
    issue.code === "unrecognized_keys" ? undefined : wanted(form)(issue),
});

const schema = z.strictObject(
  {
    max: wholeNumber(1, 1_000_000).describe("Requests of one key that may be under way at once."),
    per: trafficKeyField,
    queue: z
      .strictObject(
        {
          max: wholeNumber(1, 10_000)
            .default(10)
            .describe("How many of one key may wait for a place, in each worker."),
          timeout: durationAboveZero
            .prefault("5s")
            .describe("How long a request waits for a place."),
        },
        aMap("a map with max and timeout"),
      )
      .optional()
      .describe("Lets requests wait for a place. Without it they are refused at once."),
    mode: modeField,
  },
  aMap("a map with max, per and queue"),
);

const ROWS = 16_384; // keys with a request under way at once
const LIMITED: Fault = { code: "in_flight_limited", detail: "", retryAfterMs: 1_000 };
const WAITED: Fault = { ...LIMITED, detail: "waited for inFlight.queue.timeout" };

/** How many requests of one client, or of whatever key, are under way at once. */
export const inFlight: Feature<InFlightOptions, Filter> = {
  name: "inFlight",
  kind: "filter",
  about: "Bounds the requests that one client, or one key, has under way at once.",
  schema,

  build({ max, per, queue, mode }, tools) {
    const counts = tools.keep("in flight", () => countsOf(tools));
    const line: LineShape | undefined =
      mode === "warn" || queue === undefined
        ? undefined
        : { max: queue.max, timeoutMs: queue.timeout };
    return new InFlight(new Places(counts, max, line, tools.wheel), trafficKey(per), {
      max,
      per,
      mode,
    });
  },
};

function countsOf({ machine, place }: BuildTools): KeyCounts {
  const shape = KeyCounts.shape(ROWS, machine.workers + 1);
  const memory = machine.block(
    `route ${place} in flight`,
    KeyCounts.byteLength(shape),
    (lost, worker) => KeyCounts.clear(lost, shape, worker),
  );
  return new KeyCounts(memory, shape, machine.worker);
}

class InFlight implements Filter {
  readonly name = "inFlight";
  readonly #places: Places;
  readonly #keyOf: TrafficKey;
  readonly #options: Pick<InFlightOptions, "max" | "per" | "mode">;

  constructor(
    places: Places,
    keyOf: TrafficKey,
    options: Pick<InFlightOptions, "max" | "per" | "mode">,
  ) {
    this.#places = places;
    this.#keyOf = keyOf;
    this.#options = options;
  }

  identified(exchange: Exchange): Step<Reply | undefined> {
    const key = this.#keyOf(exchange);
    if (this.#places.take(exchange, key)) return undefined;
    const place = this.#places.wait(exchange, key);
    if (place === undefined) return refuse(exchange, LIMITED, this.#options.mode);
    return place.then((isIn) => {
      const isOver = exchange.times.endedMs !== 0; // the client has left: nobody is there to refuse
      return isIn || isOver ? undefined : refuse(exchange, WAITED);
    });
  }

  finish(exchange: Exchange): undefined {
    this.#places.over(exchange);
  }

  explain(): readonly string[] {
    const { max, per } = this.#options;
    return [`at most ${max} at once per ${per}`];
  }
}
