const SECONDS = /^\d{1,11}$/;
const MILLISECONDS = /^\d{13}$/;
const RFC_3339_UTC = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z$/;

/**
 * The time that a header names, in milliseconds since the epoch: seconds, milliseconds (13 digits) or RFC 3339 text in UTC.
 * NaN for anything else.
 */
export function parseTimeText(text: string): number {
  if (SECONDS.test(text)) return Number(text) * 1000;
  if (MILLISECONDS.test(text)) return Number(text);
  return RFC_3339_UTC.test(text) ? Date.parse(text) : Number.NaN;
}

/** Whole seconds since the epoch as text, which is how nearly every scheme writes the time. */
export function secondsText(ms: number): string {
  return String(Math.floor(ms / 1000));
}
