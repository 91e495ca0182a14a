/** A record's own value under a name; a name that comes from outside must not reach `constructor` and its like. */
export function own<T>(record: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(record, name) ? record[name] : undefined;
}
