/** Who answers for a bug: counts it, and gives up what it was about. */
export interface BugTaker {
  bug(error: unknown): void;
}

/** Nothing that a socket or a timer brings can throw past here. */
export function guard(taker: BugTaker, act: () => void): void {
  try {
    act();
  } catch (error) {
    taker.bug(error);
  }
}
