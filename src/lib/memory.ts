/**
 * Gives back the memory that this thread does not need: what nothing refers to, and all compiled code, which is made anew from what
 * is used again. Stops the thread for some milliseconds.
 */
export function shrinkThread(): void {
  Bun.gc(true);
  Bun.shrink();
}
