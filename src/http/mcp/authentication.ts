import type { Authentication } from "../authentication.ts";
import { createKeyring, mcpKeys } from "../keys.ts";
import type { AccessTokens } from "../oauth/access-tokens.ts";
import { metadataUrl, type ResourceParts } from "../oauth/resource.ts";
import { FIRST_GROUPS, scopeOf } from "../oauth/scopes.ts";
import { bearerToken, eitherKey } from "../plugins/credentials.ts";

/**
 * Who calls MCP: by a key in either of two headers, or, with `oauth2`, by an access token as a bearer. Only then an answer
 * says anything of OAuth: some clients send no configured key to a server that does.
 */
export function mcpAuthentication(parts: ResourceParts, tokens: AccessTokens): Authentication {
  const { config } = parts;
  const keys = createKeyring(config, mcpKeys);
  const isOAuth = () => config.current.mcp.auth.type === "oauth2";
  return {
    anonymous: keys.anonymous,
    holds: (keyId) => (isOAuth() ? tokens.holds(keyId) : keys.holds(keyId)),
    locksOut: () => !isOAuth(), // a token is not guessed, and every honest one is refused once it is old
    identify(headers) {
      const key = eitherKey(headers);
      if (key === null) return null;
      if (!isOAuth()) return keys.find(key);
      return bearerToken(headers.get("authorization")) === null ? null : () => tokens.verify(key);
    },
    challenge(request, error) {
      if (!isOAuth()) return 'Bearer realm="hermes"';
      const parameters = {
        realm: "hermes",
        ...(error && { error: error.error }),
        scope: error?.scope ?? scopeOf(FIRST_GROUPS),
        resource_metadata: metadataUrl(parts, request),
      };
      const shown = Object.entries(parameters).map(([name, value]) => `${name}="${value}"`);
      return `Bearer ${shown.join(", ")}`;
    },
    hint: () =>
      isOAuth()
        ? "Send an access token of the authorization server as the header Authorization: Bearer <token>."
        : "Send the header x-api-key: <key>, or Authorization: Bearer <key>.",
  };
}
