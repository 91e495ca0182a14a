import { AppError } from "../lib/errors.ts";

/**
 * Printable ASCII without dots, commas and spaces. A dot would let bytes move from the body into the id under the same
 * signature (Standard Webhooks, "Signature scheme"); a comma or a space is a header that came twice.
 */
const SIGNED_ID = /^[!-+\-/-~]{1,256}$/;

/** True for an id that can be signed together with a time and a body. */
export function isSignedId(id: string): boolean {
  return SIGNED_ID.test(id);
}

/** Throws `usage` for an id that receivers would refuse. */
export function assertSignedId(id: string): void {
  if (isSignedId(id)) return;
  throw new AppError("usage", "The id of a webhook cannot be this.", {
    hint: "Use 1 to 256 printable ASCII characters without dots, commas and spaces.",
  });
}
