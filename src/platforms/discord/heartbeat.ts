/** Keeps a connection alive, and notices when the other side is gone. */
export interface Heartbeat {
  /** Beats from now on; the first time after a random part of the interval, as Discord asks for. */
  start(everyMs: number): void;
  /** A beat was answered. */
  answered(): void;
  stop(): void;
}

/** `onSilence` is called when a beat has no answer by the time of the next. https://discord.com/developers/docs/events/gateway#sending-heartbeats */
export function createHeartbeat(beat: () => void, onSilence: () => void): Heartbeat {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let isAnswered = true;

  function beatAfter(waitMs: number, everyMs: number): void {
    timer = setTimeout(() => {
      if (!isAnswered) return onSilence();
      isAnswered = false;
      beat();
      beatAfter(everyMs, everyMs);
    }, waitMs);
  }

  return {
    start: (everyMs) => beatAfter(everyMs * Math.random(), everyMs),
    answered() {
      isAnswered = true;
    },
    stop: () => clearTimeout(timer),
  };
}
