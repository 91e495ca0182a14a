/** A JSON answer. */
export function json(body: unknown, status = 200, headers: Record<string, string> = {}): Response {
  return Response.json(body, { status, headers });
}

/** An error as Discord words it: `{"message", "code"}`, and for a form which field is wrong. */
export function refused(status: number, code: number, message: string, errors?: unknown): Response {
  return json({ message, code, ...(errors === undefined ? {} : { errors }) }, status);
}

/** 50035 for one field. */
export function invalidForm(field: string, code: string, message: string): Response {
  return refused(400, 50035, "Invalid Form Body", { [field]: { _errors: [{ code, message }] } });
}

/** 204. */
export function nothing(): Response {
  return new Response(null, { status: 204 });
}
