/** Where the ids of Discord begin to count: the first second of 2015, in milliseconds since the epoch of Unix. */
const EPOCH_MS = 1_420_070_400_000;
/** The bits below the time. */
const SHIFT = 22n;

/** The first id that a message written at this time can have. https://discord.com/developers/docs/reference#snowflakes */
export function firstIdAt(atMs: number): string {
  return String(BigInt(Math.max(0, atMs - EPOCH_MS)) << SHIFT);
}

/** The id right before this one, for what asks for all that come after. */
export function idBefore(id: string): string {
  return String(BigInt(id) - 1n);
}

/** Ids are numbers of up to 20 digits: the longer one is the greater. */
export function isLater(id: string, than: string): boolean {
  return id.length === than.length ? id > than : id.length > than.length;
}

/** True for an id as Discord writes them. */
export function isSnowflake(value: unknown): value is string {
  return typeof value === "string" && /^[1-9]\d{0,19}$/.test(value);
}
