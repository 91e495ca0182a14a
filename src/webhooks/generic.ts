import type { WebhookSignature } from "../config/webhook-schemes.ts";
import type { Scheme } from "./contract.ts";
import { hmacScheme } from "./hmac-scheme.ts";

/** A scheme that the configuration describes, for senders that have one of their own. */
export function genericScheme(settings: WebhookSignature): Scheme {
  const { header, prefix, algorithm, encoding, content, timestamp_header, id_header } = settings;
  return hmacScheme({
    name: "generic",
    header: header.toLowerCase(),
    prefix,
    algorithm,
    encoding,
    content,
    ...(timestamp_header !== undefined && { timestampHeader: timestamp_header.toLowerCase() }),
    ...(id_header !== undefined && { idHeader: id_header.toLowerCase() }),
  });
}
