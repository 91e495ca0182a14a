/** The first second of 2015: where Discord's ids begin to count. */
const EPOCH_MS = 1_420_070_400_000;

/** Makes ids as Discord does: the milliseconds since its epoch above 22 bits, always growing. */
export function createSnowflakes(): () => string {
  let last = 0n;
  return () => {
    const now = BigInt(Date.now() - EPOCH_MS) << 22n;
    last = now > last ? now : last + 1n;
    return String(last);
  };
}
