/** What says nothing about a file. */
export const ANY_TYPE = "application/octet-stream";

/** The media type that a name ends in. */
export function typeByName(name: string): string {
  return Bun.file(name).type.split(";")[0] || ANY_TYPE;
}

/** The media type that the head of an answer tells; undefined where it says nothing. */
export function toldType(headers: Headers): string | undefined {
  const told = headers.get("content-type")?.split(";")[0]?.trim().toLowerCase();
  return told === "" || told === ANY_TYPE ? undefined : told;
}
