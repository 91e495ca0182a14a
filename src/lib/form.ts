/** No program sends more; a stranger might, because some forms are read before they are proven. */
export const MAX_FORM_FIELDS = 10_000;

/**
 * The fields of a form (`application/x-www-form-urlencoded`) by their names, each with its values in their order; null for one
 * with more than `MAX_FORM_FIELDS`. `getAll` for each name would look through all fields as often as there are fields.
 */
export function formFields(text: string): Map<string, string[]> | null {
  if (hasMoreThan(MAX_FORM_FIELDS, text)) return null;
  const fields = new Map<string, string[]>();
  for (const [name, value] of new URLSearchParams(text)) {
    const values = fields.get(name);
    if (values === undefined) fields.set(name, [value]);
    else values.push(value);
  }
  return fields;
}

/** Counts the fields without reading them. */
function hasMoreThan(most: number, text: string): boolean {
  let fields = 1;
  for (let at = text.indexOf("&"); at >= 0 && fields <= most; at = text.indexOf("&", at + 1)) fields++;
  return fields > most;
}
