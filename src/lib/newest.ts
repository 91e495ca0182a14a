/** Sets a key of a map and makes it the newest; of more than `max` keys, the oldest go. */
export function setNewest<Key, Value>(map: Map<Key, Value>, key: Key, value: Value, max: number): void {
  map.delete(key);
  map.set(key, value);
  dropOldest(map, max);
}

/** The same for a set. */
export function addNewest<Value>(set: Set<Value>, value: Value, max: number): void {
  set.delete(value);
  set.add(value);
  dropOldest(set, max);
}

/** Both keep the order in which keys were added. */
function dropOldest<Key>(kept: Map<Key, unknown> | Set<Key>, max: number): void {
  for (const oldest of kept.keys()) {
    if (kept.size <= max) return;
    kept.delete(oldest);
  }
}
