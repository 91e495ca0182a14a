/** Names under which clients try to pass a key in the address, where logs and browser histories would keep it. */
const IN_QUERY = /(?:^|&)(?:token|access_token|api_key)(?:=|&|$)/i;
/** RFC 6750 §2.1, with the scheme in any case (RFC 9110 §11.1): one space and one token, whatever its characters. */
const BEARER = /^bearer ([!-~]+)$/i;

/** True when the query carries something that is named like a credential, also when the name is percent-encoded. */
export function hasQueryCredential(query: string): boolean {
  return IN_QUERY.test(query.includes("%") ? decoded(query) : query);
}

function decoded(query: string): string {
  return [...new URLSearchParams(query).keys()].map((name) => `${name}=`).join("&");
}

/** The token of an `Authorization: Bearer` header, or null when there is none that could be right. */
export function bearerToken(header: string | null): string | null {
  return header === null ? null : (BEARER.exec(header)?.[1] ?? null);
}

/** A key as one header carries it, without blanks: two headers of one name arrive joined by a comma and a blank. */
const KEY = /^[!-~]+$/;

/**
 * The key of `X-Api-Key` or of `Authorization: Bearer`, or null when there is none that could be right. Both may be sent
 * when they say the same; two different ones are none, for nobody could say which one counts.
 */
export function eitherKey(headers: Headers): string | null {
  const plain = headers.get("x-api-key");
  const authorization = headers.get("authorization");
  if (plain === null) return bearerToken(authorization);
  if (!KEY.test(plain)) return null;
  return authorization === null || bearerToken(authorization) === plain ? plain : null;
}
