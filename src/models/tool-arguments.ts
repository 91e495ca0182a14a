/**
 * The arguments of a tool call as the object that providers demand in a history. What is not a JSON object, because the
 * model wrote it badly, comes back whole under `malformed_arguments`, with `valid: false`.
 */
export function argumentsObject(text: string): { value: Record<string, unknown>; valid: boolean } {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && value !== null && !Array.isArray(value))
      return { value: value as Record<string, unknown>, valid: true };
  } catch {
    // reported by `valid`
  }
  return { value: { malformed_arguments: text }, valid: false };
}
