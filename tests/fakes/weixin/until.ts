const PATIENCE_MS = 20_000;

/** Waits until the condition holds. */
export async function until(condition: () => boolean, what: string): Promise<void> {
  const endMs = performance.now() + PATIENCE_MS;
  while (!condition()) {
    if (performance.now() > endMs) throw new Error(`waited in vain until ${what}`);
    await Bun.sleep(5);
  }
}
