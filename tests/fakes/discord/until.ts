const LOOK_EVERY_MS = 5;

/** Resolves with the first value of the condition that is neither false nor undefined. Rejects when the time is up. */
export async function until<T>(
  what: string,
  condition: () => T | false | undefined,
  timeoutMs = 15_000,
): Promise<T> {
  const deadlineMs = performance.now() + timeoutMs;
  for (;;) {
    const value = condition();
    if (value !== false && value !== undefined) return value;
    if (performance.now() > deadlineMs) throw new Error(`not in time: ${what}`);
    await Bun.sleep(LOOK_EVERY_MS);
  }
}
