/**
 * What Slack, Standard Webhooks and Stripe sign begins so: `v0:{seconds}:`, `{id}.{seconds}.`, `{seconds}.`. The pattern looks
 * at no more than the longest beginning.
 */
const OTHERS_CONTENT = /^(?:v0:\d{9,12}:|(?:[!-+\-/-~]{1,256}\.)?\d{9,12}\.)/;
const LONGEST_BEGINNING_BYTES = 270;

/**
 * True for a body that could be what another scheme signs. Where two schemes share a secret, such as in the events that Hermes
 * itself sends, the signature of a request by the one is also a signature, by a scheme that signs the body alone, of a body
 * that nobody ever sent: `{id}.{seconds}.{body}`. Such a scheme must not take it.
 */
export function isOthersContent(body: Uint8Array): boolean {
  return OTHERS_CONTENT.test(Buffer.from(body.subarray(0, LONGEST_BEGINNING_BYTES)).toString("latin1"));
}
