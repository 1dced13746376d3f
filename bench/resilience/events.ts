import type { Mood } from "./origin-answer.ts";
import { NotThere, pause } from "./proxies/proxy.ts";
import type { Stage } from "./stage.ts";

/** Something that happens to a proxy under load. The asked-for answer is the same for all: 0 failed. */
export interface ResilienceEvent {
  readonly name: string;
  readonly about: string;
  readonly postEvery: number; // each such request is a POST, which may not be sent twice; 0: none
  readonly sockets: number;
  readonly workers: number;
  readonly parkMs: number;
  drive(stage: Stage, scale: Scale): Promise<void>;
}

export interface Scale {
  readonly reloads: number;
}

const PARK_MS = 5_000;

export const EVENTS: readonly ResilienceEvent[] = [
  event(
    "kill",
    "`kill -9` of one of three origins, and its return 4 s later",
    async ({ origins }) => {
      await origins[0]!.kill();
      await pause(4_000);
      await origins[0]!.start();
      await pause(2_000);
    },
  ),
  bad("hang", "an origin accepts and never answers, for 5 s"),
  bad("reset", "an origin resets every connection, for 5 s"),
  bad("garbage", "an origin answers garbage, for 5 s"),
  bad("stall", "an origin stalls in the middle of each body, for 5 s"),
  bad("failing", "an origin answers 503 to everything, for 5 s"),
  event(
    "reloads",
    "100 reloads in 60 s: weights, routes and endpoints change; 200 sockets echo",
    async (stage, { reloads }) => {
      for (let count = 0; count < reloads; count++) {
        const beganMs = performance.now();
        const weights = stage.origins.map((_, place) => 1 + ((count + place) % 3));
        if (count % 4 === 3) weights[count % 3] = 0; // one endpoint is gone, and comes back
        await stage.reload({ weights });
        await pause(Math.max(0, 600 - (performance.now() - beganMs)));
      }
    },
    { sockets: 200 },
  ),
  event(
    "worker",
    "`kill -9` of one of two workers",
    async (stage) => {
      if (stage.proxy.killWorker === undefined) throw new NotThere("no way to kill one worker");
      await stage.proxy.killWorker(stage.setting, stage.pid);
      await pause(4_000);
    },
    { workers: 2 },
  ),
  event("upgrade", "a new process takes over, three times", async (stage) => {
    if (stage.proxy.upgrade === undefined) throw new NotThere("no upgrade without a restart");
    for (let count = 0; count < 3; count++) {
      stage.pid = await stage.proxy.upgrade(stage.setting, stage.pid);
      await pause(2_500);
    }
  }),
  event(
    "drain",
    "an endpoint is drained, killed 1 s later, started and taken back",
    async (stage) => {
      await drained(stage, true);
      await pause(1_000);
      await stage.origins[0]!.kill();
      await pause(1_000);
      await stage.origins[0]!.start();
      await drained(stage, false);
      await pause(2_000);
    },
  ),
  event(
    "away",
    "all origins are away for 3 s; requests may wait for 5 s where that can be asked for",
    async ({ origins }) => {
      for (const origin of origins) await origin.kill();
      await pause(3_000);
      for (const origin of origins) await origin.start();
      await pause(PARK_MS);
    },
    { parkMs: PARK_MS },
  ),
];

function bad(mood: Mood, about: string): ResilienceEvent {
  const drive = async ({ origins }: Stage) => {
    await origins[0]!.mood(mood);
    await pause(5_000);
    await origins[0]!.mood("normal");
    await pause(2_000);
  };
  return event(mood, about, drive, { postEvery: 10 });
}

function event(
  name: string,
  about: string,
  drive: ResilienceEvent["drive"],
  more: Partial<ResilienceEvent> = {},
): ResilienceEvent {
  return { name, about, postEvery: 0, sockets: 0, workers: 1, parkMs: 0, ...more, drive };
}

async function drained(stage: Stage, isDrained: boolean): Promise<void> {
  if (stage.proxy.drain === undefined) throw new NotThere("no way to drain an endpoint");
  const places = isDrained ? [0] : [];
  stage.setting = { ...stage.setting, drained: new Set(places) };
  await stage.proxy.drain(stage.setting, 0, isDrained, stage.pid);
}
