import type { Scheme, SchemeName, SignedHeaders } from "./contract.ts";
import { GITLAB } from "./gitlab.ts";
import { GITHUB, HERMES, SLACK } from "./hmac-schemes.ts";
import { LINEAR } from "./linear.ts";
import { STANDARD, SVIX } from "./standard.ts";
import { STRIPE } from "./stripe.ts";
import { TWILIO } from "./twilio.ts";
import { headerOf } from "./verdict.ts";

/** Schemes that need no description. */
export type FixedSchemeName = Exclude<SchemeName, "generic">;

/** Those that sign more come first: a request that shows two is checked by the stronger one, and by no other. */
const FIXED: Readonly<Record<FixedSchemeName, Scheme>> = {
  standard: STANDARD,
  svix: SVIX,
  stripe: STRIPE,
  slack: SLACK,
  hermes: HERMES,
  github: GITHUB,
  twilio: TWILIO,
  gitlab: GITLAB,
  linear: LINEAR,
};

/** The scheme of this name. A generic one is made by `genericScheme`. */
export function schemeOf(name: FixedSchemeName): Scheme {
  return FIXED[name];
}

/**
 * The scheme that a request is signed with, by its headers; null when it has none of them. Linear has to be named: what it signs
 * is also signed for `hermes` and `github`, which give the same event another id, so that it could be played again as theirs.
 */
export function detectScheme(headers: SignedHeaders): Scheme | null {
  const isUsed = (scheme: Scheme) => scheme.headers.some((name) => headerOf(headers, name) !== null);
  return Object.values(FIXED).find((scheme) => scheme !== LINEAR && isUsed(scheme)) ?? null;
}
