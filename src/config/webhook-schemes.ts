import { type Static, Type } from "typebox";
import { HMAC_ALGORITHMS } from "../lib/hmac.ts";
import { entry, oneOf } from "./schema-parts.ts";

const headerName = (description: string) => ({
  description,
  pattern: "^[A-Za-z0-9-]{1,64}$",
  form: "the name of a header",
});

/** What `generic` has to be told: an HMAC in a header of its own. */
export const webhookSignature = entry(
  "With scheme: generic, how requests are signed: one HMAC in one header.",
  {
    header: Type.String(headerName("Header that holds the signature.")),
    prefix: Type.String({ description: "What stands in it before the HMAC, such as sha256=.", default: "" }),
    algorithm: oneOf(HMAC_ALGORITHMS, { description: "Hash function of the HMAC.", default: "sha256" }),
    encoding: oneOf(["hex", "base64"], { description: "How the HMAC is written.", default: "hex" }),
    content: Type.String({
      description: "What is signed: {body}, and around it any text, {timestamp}, {id} and {url}.",
      default: "{body}",
    }),
    timestamp_header: Type.Optional(
      Type.String(
        headerName(
          "Header of {timestamp}: seconds or milliseconds since 1970, or RFC 3339 in UTC; 5 minutes.",
        ),
      ),
    ),
    id_header: Type.Optional(Type.String(headerName("Header of {id}, the same in every repetition."))),
  },
);

export type WebhookSignature = Static<typeof webhookSignature>;

/** What makes no sense about a description; null when nothing does. */
export function signatureFault({ content, timestamp_header, id_header }: WebhookSignature): string | null {
  if (content.split("{body}").length !== 2) return "content must hold {body}, once";
  for (const [name, placeholder, header] of [
    ["timestamp_header", "{timestamp}", timestamp_header],
    ["id_header", "{id}", id_header],
  ] as const)
    if (content.includes(placeholder) !== (header !== undefined))
      return header === undefined
        ? `content holds ${placeholder}, but ${name} does not say where it comes from`
        : `content does not hold ${placeholder}, so that nobody signs what ${name} names`;
  return null;
}

/** Base64 behind `whsec_`, as Standard Webhooks writes secrets that are bytes. */
const BYTES_SECRET = /^whsec_(?=.)(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}(?:==)?|[A-Za-z0-9+/]{3}=?)?$/;

/** True for a secret that Standard Webhooks cannot sign with: it says that it is Base64, and is not. */
export function isBrokenSecret(secret: string): boolean {
  return secret.startsWith("whsec_") && !BYTES_SECRET.test(secret);
}
