import { AppError } from "../lib/errors.ts";
import { formFields } from "../lib/form.ts";
import { hmac } from "../lib/hmac.ts";
import { digest, sameSecret } from "../lib/secrets.ts";
import type { Scheme, SignedRequest } from "./contract.ts";
import { accepted, headerOf, refused, usableSecrets } from "./verdict.ts";

const HEADER = "x-twilio-signature";
/** Where the hash of a body stands that is no form. */
const BODY_HASH = "bodySHA256";
const FORM = /^application\/x-www-form-urlencoded\b/i;
const STANDARD_PORTS: Partial<Record<string, string>> = { "https:": ":443", "http:": ":80" };

/**
 * Twilio (twilio.com/docs/usage/security#validating-requests): the address, followed by the names and values of the form in
 * the order of the names, by HMAC-SHA1; with a key of a Webhooks Rule by HMAC-SHA256. The order and the escapes of the form
 * are not signed, so that the delivery is named by what is. For another body than a form the address holds its hash.
 */
export const TWILIO: Scheme = {
  name: "twilio",
  headers: [HEADER],
  verify(request, secrets) {
    const given = headerOf(request.headers, HEADER);
    if (given === null) return refused("a header is missing");
    const { url: configured = "" } = request;
    const url = URL.parse(configured);
    if (url === null) return refused("the address that Twilio calls is not configured");
    const fields = signedFields(url, request);
    if (fields === null)
      return refused("the body is neither a form of usual size nor what the address has the hash of");
    const usable = usableSecrets(secrets);
    if (usable.length === 0) return refused("there is no usable secret");
    // The length alone tells the two algorithms apart: the header that names them is not signed.
    const algorithm = given.length > 28 ? "sha256" : "sha1";
    const content = spellings(configured, url)
      .map((address) => address + fields)
      .find((text) => usable.some((secret) => sameSecret(given, hmac(algorithm, secret, "base64", text))));
    return content === undefined
      ? refused("the signature is wrong")
      : accepted(Buffer.from(digest(content)).toString("hex"), null);
  },
  sign(body, secret, { url: address }) {
    const url = URL.parse(address ?? "");
    const fields =
      url && signedFields(url, { headers: { "content-type": "application/x-www-form-urlencoded" }, body });
    if (url === null || fields === null)
      throw new AppError("usage", "Twilio signs the address, and in it the hash of a body that is no form.", {
        hint: `Say where the request goes, with ?${BODY_HASH}={SHA-256 of the body in hex} for JSON.`,
      });
    return { [HEADER]: hmac("sha1", secret, "base64", url.href + fields) };
  },
};

/** What is signed after the address: nothing for a body whose hash is in it, else the form. Null for any other body. */
function signedFields(url: URL, { headers, body }: SignedRequest): string | null {
  const hash = url.searchParams.get(BODY_HASH);
  if (hash !== null) return hash === Buffer.from(digest(body)).toString("hex") ? "" : null;
  if (!FORM.test(headers["content-type"] ?? "")) return null;
  const form = formFields(Buffer.from(body).toString("utf8"));
  if (form === null) return null;
  return [...form]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([name, values]) => [...new Set(values)].sort().map((value) => name + value))
    .join("");
}

/** The address as it is configured, and with and without its port: Twilio itself is not consistent about it. */
function spellings(configured: string, url: URL): string[] {
  const withoutPort = new URL(url);
  withoutPort.port = "";
  const { href, origin } = withoutPort;
  const port = url.port === "" ? (STANDARD_PORTS[url.protocol] ?? "") : `:${url.port}`;
  return [configured, href, href.replace(origin, origin + port)];
}
