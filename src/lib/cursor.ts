/** A place in a list as text that means nothing to its bearer. */
export function encodePlace(place: unknown): string {
  return Buffer.from(JSON.stringify(place)).toString("base64url");
}

/** The place that such a text stands for; null for a text that stands for none. Anybody can make one up: check what it holds. */
export function decodePlace(text: string): unknown {
  try {
    return JSON.parse(Buffer.from(text, "base64url").toString());
  } catch {
    return null; // not JSON: nobody's place
  }
}
