import type { BodyStage } from "../../core/body-stage.ts";
import type { Exchange } from "../../core/exchange.ts";
import type { BuildTools, Feature } from "../../core/feature.ts";
import type { Filter } from "../../core/filter.ts";
import { StagedRequest } from "../../core/staged-request.ts";
import { StagedResponse } from "../../core/staged-response.ts";
import { type TrafficKey, trafficKey } from "../../core/traffic-key.ts";
import { type Framing, hasBody } from "../../protocol/h1/framing.ts";
import { type BandwidthOptions, bandwidthSchema } from "./bandwidth-options.ts";
import { KeyedPaces } from "./keyed-paces.ts";
import { KeyedPace, OwnPace } from "./pace.ts";
import { PacedStage } from "./paced-stage.ts";
import { Share } from "./share.ts";

const ROWS = 16_384; // keys with a body on its way

/** How fast bodies may flow, to and from one connection, client or key. */
export const bandwidth: Feature<BandwidthOptions, Filter> = {
  name: "bandwidth",
  kind: "filter",
  about: "Bounds how fast bodies flow to and from a connection, a client, or a key.",
  schema: bandwidthSchema,

  build(options, tools) {
    return new Bandwidth(options, tools);
  },
};

type Direction = "request" | "response";

class Bandwidth implements Filter {
  readonly name = "bandwidth";
  readonly #options: BandwidthOptions;
  readonly #keyOf: TrafficKey;
  readonly #response: Shares | undefined;
  readonly #request: Shares | undefined;
  readonly #stages: WeakMap<Exchange, BodyStage[]>;

  constructor(options: BandwidthOptions, tools: BuildTools) {
    const { per } = options;
    this.#options = options;
    this.#keyOf = per === "connection" ? connectionOf : trafficKey(per);
    this.#response = sharesOf("response", options, tools);
    this.#request = sharesOf("request", options, tools);
    this.#stages = new WeakMap();
  }

  // Before the phases that change bodies: one is paced as it is on the wire.
  identified(exchange: Exchange): undefined {
    const key = this.#keyOf(exchange);
    const stages: BodyStage[] = [];
    if (this.#response !== undefined) {
      const share = this.#response.of(key);
      exchange.downstream = new StagedResponse(exchange.downstream, (onward) => {
        return added(stages, new PacedStage(share, onward));
      });
    }
    if (this.#request !== undefined && hasBody(exchange.downstream.requestFraming)) {
      const share = this.#request.of(key);
      exchange.downstream = new PacedRequest(exchange, (onward) => {
        return added(stages, new PacedStage(share, onward));
      });
    }
    this.#stages.set(exchange, stages);
  }

  /** An exchange may be over before its bodies are, and then nobody else stops the stages. */
  finish(exchange: Exchange): undefined {
    for (const stage of this.#stages.get(exchange) ?? []) stage.stop();
  }

  explain(): readonly string[] {
    const { response, request, per } = this.#options;
    return [
      ...(response === undefined
        ? []
        : [`response bodies at ${response} bytes a second per ${per}`]),
      ...(request === undefined ? [] : [`request bodies at ${request} bytes a second per ${per}`]),
    ];
  }
}

function added(stages: BodyStage[], stage: PacedStage): PacedStage {
  stages.push(stage);
  return stage;
}

/** As long as it was: a pace changes nothing of a body. */
class PacedRequest extends StagedRequest {
  override get requestFraming(): Framing {
    return this.behind.requestFraming;
  }
}

// Those of a trusted proxy may carry many clients; a PROXY header says whose one is.
function connectionOf({ client }: Exchange): string {
  return `${client.wireAddress} ${client.wirePort}`;
}

/** The shares of one direction in this thread, by key, for as long as somebody needs them. */
class Shares {
  readonly #make: (key: string, onUnused: () => void) => Share;
  readonly #shares: Map<string, Share>;

  constructor(make: (key: string, onUnused: () => void) => Share) {
    this.#make = make;
    this.#shares = new Map();
  }

  of(key: string): Share {
    const known = this.#shares.get(key);
    if (known !== undefined) return known;
    const made = this.#make(key, () => this.#shares.delete(key));
    this.#shares.set(key, made);
    return made;
  }
}

/** Kept over reloads for as long as the rate is the same: nobody begins anew. */
function sharesOf(
  direction: Direction,
  { burst, per, ...rates }: BandwidthOptions,
  tools: BuildTools,
): Shares | undefined {
  const bytesPerSecond = rates[direction];
  if (bytesPerSecond === undefined) return undefined;
  const numbers = { bytesPerSecond, burstBytes: burst };
  const { wheel } = tools;
  const name = `bandwidth ${direction} ${bytesPerSecond} ${burst} ${per}`;
  return tools.keep(name, () => {
    const burstMs = (burst / bytesPerSecond) * 1000;
    const paces = per === "connection" ? undefined : keyedPaces(name, burstMs, tools);
    return new Shares((key, onUnused) => {
      const pace =
        paces === undefined
          ? new OwnPace(bytesPerSecond, () => wheel.nowMs)
          : new KeyedPace(paces, key, bytesPerSecond);
      return new Share(pace, numbers, wheel, onUnused);
    });
  });
}

function keyedPaces(
  name: string,
  burstMs: number,
  { machine, place, world }: BuildTools,
): KeyedPaces {
  const shape = KeyedPaces.shape(ROWS, machine.workers + 1);
  const memory = machine.block(
    `route ${place} ${name}`,
    KeyedPaces.byteLength(shape),
    (lost, worker) => KeyedPaces.clear(lost, shape, worker),
  );
  return new KeyedPaces(memory, shape, { lane: machine.worker, clock: world.clock, burstMs });
}
