/**
 * The ways in which a webhook can be signed, by the names that the configuration and the command line use. `generic` is an
 * HMAC whose header and form the configuration describes.
 */
export const SCHEME_NAMES = [
  "hermes",
  "standard",
  "github",
  "gitlab",
  "stripe",
  "slack",
  "svix",
  "linear",
  "twilio",
  "generic",
] as const;

/** One of them. */
export type SchemeName = (typeof SCHEME_NAMES)[number];
