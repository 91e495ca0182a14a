import { AppError } from "../../lib/errors.ts";
import { canonicalJson } from "../../lib/json.ts";
import { digest } from "../../lib/secrets.ts";
import type { Delivery } from "../../store/records.ts";

const MAX_CHARS = 255;
const QUOTED = /^"((?:[ !#-[\]-~]|\\["\\])*)"$/;
const TOKEN = /^[!#-+\--~]+$/;

/** The key in an `Idempotency-Key` header (draft-ietf-httpapi-idempotency-key-header): a quoted string or a bare token. */
export function idempotencyKey(header: string): string {
  const quoted = QUOTED.exec(header)?.[1]?.replace(/\\(.)/g, "$1");
  const key = quoted ?? (TOKEN.test(header) ? header : "");
  if (key.length >= 1 && key.length <= MAX_CHARS) return key;
  throw new AppError("bad_request", "Idempotency-Key is not a key.", {
    hint: `Send 1 to ${MAX_CHARS} visible ASCII characters, such as a UUID.`,
  });
}

/** The delivery that a request with an `Idempotency-Key` is; undefined without one. `owner` is its name space. */
export function deliveryOf(request: Request, body: unknown, owner: string): Delivery | undefined {
  const header = request.headers.get("idempotency-key");
  if (header === null) return undefined;
  const content = `${request.method} ${new URL(request.url).pathname}\n${canonicalJson(body)}`;
  return {
    source: owner,
    id: idempotencyKey(header),
    fingerprint: Buffer.from(digest(content)).toString("hex"),
  };
}
