/** More seeds of chaos.test.ts, which is long enough. */
import { chaosSeeds, onlySeed } from "../support/chaos/chaos-seeds.ts";

if (onlySeed === undefined) chaosSeeds(101, 201);
