/**
 * What a peer may cost us without getting anything done (SECURITY D1, D3, D5): each frame that is
 * work for us and none for it has a price in points. They leak away over time, and real work earns
 * them back, so that a busy peer may say more than an idle one: acknowledge data that it took, cancel
 * as many requests as it lets us finish.
 */
export const POINTS_MAX = 1000;
const SECONDS = 20; // in which all of them come back

// Prices.
export const RESET_POINTS = 5; // a stream that the peer reset (rapid reset)
export const STREAM_ERROR_POINTS = 10; // one that the peer made us reset (made you reset)
export const REFUSED_POINTS = 5;
export const SETTINGS_POINTS = 5;
export const GOAWAY_POINTS = 5; // one is enough, and two are usual
export const PING_POINTS = 2;
export const PRIORITY_POINTS = 1;
export const EMPTY_DATA_POINTS = 10;
export const WINDOW_UPDATE_POINTS = 1;
export const LATE_FRAME_POINTS = 1; // on a stream that is over
export const UNKNOWN_FRAME_POINTS = 1;

// Earnings.
export const DATA_FRAME_POINTS = 3; // sent: a window update for each level, and half a ping
export const ANSWERED_POINTS = 5; // a response was sent to its end

export class FloodBudget {
  readonly #pointsMax: number;
  #points: number;
  #leakedMs: number; // up to when points have leaked

  constructor(pointsMax: number) {
    this.#pointsMax = pointsMax;
    this.#points = 0;
    this.#leakedMs = 0;
  }

  /** Time for the prices that follow. */
  tick(nowMs: number): void {
    if (this.#points > 0) {
      const leaked = ((nowMs - this.#leakedMs) * this.#pointsMax) / (1000 * SECONDS);
      this.#points = Math.max(0, this.#points - leaked);
    }
    this.#leakedMs = nowMs;
  }

  /** False: it was too much. */
  spend(points: number): boolean {
    this.#points += points;
    return this.#points <= this.#pointsMax;
  }

  earn(points: number): void {
    this.#points = Math.max(0, this.#points - points);
  }
}
