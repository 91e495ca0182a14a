/** The time that a turn may take. It stands still while the turn waits for a person. */
export interface TurnClock {
  /** Stops the time until the returned function is called; of several pauses at once the last one ends it. */
  pause(): () => void;
  stop(): void;
}

/** Starts at once; calls `expire` when the time is up. */
export function createTurnClock(limitMs: number, expire: () => void): TurnClock {
  let leftMs = limitMs;
  let sinceMs = performance.now();
  let pauses = 0;
  let stopped = false;
  let timer: Timer | undefined = setTimeout(expire, leftMs);

  const resume = () => {
    pauses -= 1;
    if (pauses > 0 || stopped) return;
    sinceMs = performance.now();
    timer = setTimeout(expire, leftMs);
  };
  return {
    pause() {
      if (pauses === 0) {
        clearTimeout(timer);
        leftMs = Math.max(0, leftMs - (performance.now() - sinceMs));
      }
      pauses += 1;
      let resumed = false;
      return () => {
        if (!resumed) resume();
        resumed = true;
      };
    },
    stop() {
      stopped = true;
      clearTimeout(timer);
    },
  };
}
