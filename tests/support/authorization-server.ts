import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { exportJWK, generateKeyPair, type JWK, type JWTPayload, SignJWT } from "jose";
import Provider from "oidc-provider";
import { TOOL_GROUPS } from "../../src/config/tool-groups.ts";

export const REDIRECT_URI = "http://127.0.0.1:9/callback";
/** Registered beforehand, without a secret. */
export const CLIENT_ID = "test-client";

/** A key of the authorization server, to sign with what it would never sign. */
export interface SigningKey {
  kid: string;
  private: CryptoKey;
  public: JWK;
}

/** A real authorization server with every scope of Hermes, for whatever resource is asked for. */
export interface AuthorizationServer extends AsyncDisposable {
  readonly issuer: string;
  readonly key: SigningKey;
  /** Paths that were asked for. */
  readonly requests: string[];
  /** Signs an access token with the server's own key. */
  sign(claims: JWTPayload, header?: Record<string, unknown>): Promise<string>;
  /** Another key from now on; the old one is gone. */
  rotate(): Promise<void>;
  /** Stops answering; `rotate` starts again at the same port. */
  stop(): Promise<void>;
  /** Logs in and consents at the page that the address leads to; resolves with the address that it leads back to. */
  logIn(authorizationUrl: URL | string, account?: string): Promise<URL>;
}

export async function makeSigningKey(alg = "RS256"): Promise<SigningKey> {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true });
  const kid = crypto.randomUUID();
  return { kid, private: privateKey, public: { ...(await exportJWK(publicKey)), kid, alg, use: "sig" } };
}

export async function startAuthorizationServer(): Promise<AuthorizationServer> {
  let key = await makeSigningKey();
  const requests: string[] = [];
  let running = await listen(0, key, requests);
  const { issuer } = running;
  return {
    issuer,
    requests,
    get key() {
      return key;
    },
    sign: (claims, header) => signToken(key, claims, header),
    async rotate() {
      await running.stop();
      key = await makeSigningKey();
      running = await listen(Number(new URL(issuer).port), key, requests);
    },
    stop: () => running.stop(),
    logIn: (url, account = "alice") => logIn(new URL(url), account),
    [Symbol.asyncDispose]: () => running.stop(),
  };
}

/** An access token as RFC 9068 has it, with the header changed as told. */
export function signToken(key: SigningKey, claims: JWTPayload, header: Record<string, unknown> = {}) {
  const alg = key.public.alg ?? "RS256";
  return new SignJWT(claims)
    .setProtectedHeader({ alg, kid: key.kid, typ: "at+jwt", ...header } as { alg: string })
    .sign(key.private);
}

async function listen(port: number, key: SigningKey, requests: string[]) {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const scopes = TOOL_GROUPS.map((group) => `mcp:${group}`);
  const provider = new Provider(issuer, {
    jwks: { keys: [{ ...(await exportJWK(key.private)), kid: key.kid, alg: "RS256", use: "sig" }] },
    cookies: { keys: ["a-key-for-the-cookies-of-tests"] },
    clients: [
      {
        client_id: CLIENT_ID,
        application_type: "native",
        token_endpoint_auth_method: "none",
        grant_types: ["authorization_code", "refresh_token"],
        response_types: ["code"],
        redirect_uris: [REDIRECT_URI],
      },
    ],
    scopes: ["openid", "offline_access", ...scopes],
    pkce: { required: () => true },
    ttl: { Interaction: 600, Grant: 600, Session: 600, AccessToken: 600, AuthorizationCode: 60, IdToken: 60 },
    features: {
      devInteractions: { enabled: true },
      resourceIndicators: {
        enabled: true,
        useGrantedResource: () => true,
        getResourceServerInfo: (_context: unknown, resource: string) => ({
          scope: scopes.join(" "),
          audience: resource,
          accessTokenFormat: "jwt",
          jwt: { sign: { alg: "RS256" } },
        }),
      },
    },
    findAccount: (_context: unknown, id: string) => ({ accountId: id, claims: async () => ({ sub: id }) }),
  });
  const answer = provider.callback();
  server.on("request", (request, response) => {
    requests.push(request.url ?? "");
    void answer(request, response);
  });
  return {
    issuer,
    stop: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** Fills in the login and the consent page of the development pages. */
async function logIn(start: URL, account: string): Promise<URL> {
  const cookies = new Map<string, string>();
  let url = start;
  let body: URLSearchParams | undefined;
  for (let step = 0; step < 12; step++) {
    const answer = await fetch(url, {
      redirect: "manual",
      headers: { cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join("; ") },
      ...(body ? { method: "POST", body } : {}),
    });
    for (const line of answer.headers.getSetCookie()) {
      const [, name = "", value = ""] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      cookies.set(name, value);
    }
    const text = await answer.text();
    const location = answer.headers.get("location");
    if (location !== null) {
      url = new URL(location, url);
      body = undefined;
      if (url.href.startsWith(REDIRECT_URI)) return url;
      continue;
    }
    const action = /<form[^>]*action="([^"]+)"/.exec(text)?.[1];
    const prompt = /name="prompt" value="([^"]+)"/.exec(text)?.[1];
    if (action === undefined || prompt === undefined)
      throw new Error(`${answer.status} ${text.slice(0, 800)}`);
    url = new URL(action, url);
    body = new URLSearchParams({ prompt, ...(prompt === "login" ? { login: account, password: "x" } : {}) });
  }
  throw new Error("the login leads nowhere");
}
