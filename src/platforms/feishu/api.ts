import { type AccountSettings, PlatformError } from "../contract.ts";
import { createDoubt } from "../doubt.ts";
import { fieldsOf, textOf } from "../fields.ts";
import { type ApiAnswer, type ApiRequest, requestBytes, requestJson } from "../json-api.ts";
import { type AccessToken, createTokenCache, withToken } from "../token-cache.ts";
import { dataOf, isTokenRefused, unauthorized } from "./errors.ts";
import type { Timing } from "./timing.ts";

const ORIGINS = { feishu: "https://open.feishu.cn", lark: "https://open.larksuite.com" } as const;
const TITLE = "Feishu";

/** A call, its path below `/open-apis`. */
export interface Call extends Pick<ApiRequest, "method" | "json" | "body"> {
  path: string;
  query?: Readonly<Record<string, string>>;
  /** Default: `Timing.callMs`. */
  timeoutMs?: number;
}

/** The server API of Feishu with the token of one app. Every call rejects with a `PlatformError` that holds no secret. */
export interface FeishuApi {
  /** Makes a call; one whose token is refused is made once more with a new one. Resolves to the answer's `data`. */
  call(call: Call, signal: AbortSignal): Promise<unknown>;
  /** Begins to fetch the bytes that a path leads to. */
  download(call: Pick<Call, "path" | "query">, signal: AbortSignal): Promise<Response>;
  /** Asks for the address of a long connection, which takes the credentials themselves. */
  endpoint(signal: AbortSignal): Promise<unknown>;
  /** As `Doubt.raised`. */
  doubted(): Promise<void>;
  /** The time that Feishu's clock shows at this moment, as far as its answers told. */
  serverNowMs(): number;
  readonly appId: string;
}

/** The API of an account. Throws `unauthorized` for one without credentials. */
export function createFeishuApi(account: AccountSettings<"feishu">, timing: Timing): FeishuApi {
  const { app_id: appId, app_secret: appSecret } = account;
  if (!appId || !appSecret) throw unauthorized("app_id or app_secret is missing.");
  const base = (account.api_base ?? ORIGINS[account.domain]).replace(/\/+$/, "");
  if (!URL.canParse(base)) throw unauthorized("api_base is no address.", 0, "Write it whole, with https://.");
  let aheadMs = 0;
  const doubt = createDoubt();

  const ask = async (request: ApiRequest): Promise<ApiAnswer> => {
    const answer = await requestJson(TITLE, request);
    const toldMs = Date.parse(answer.headers.get("date") ?? "");
    if (!Number.isNaN(toldMs)) aheadMs = toldMs - Date.now();
    return answer;
  };
  const tokens = createTokenCache(async () => {
    const request = {
      method: "POST",
      url: new URL(`${base}/open-apis/auth/v3/tenant_access_token/internal`),
      json: { app_id: appId, app_secret: appSecret },
      timeoutMs: timing.callMs,
      signal: new AbortController().signal,
    } as const;
    return tokenIn(await ask(request));
  });
  const requestOf = (
    { method, path, query, json, body, timeoutMs }: Call,
    token: string,
    signal: AbortSignal,
  ) => ({
    method,
    url: addressOf(base, path, query),
    headers: { authorization: `Bearer ${token}` },
    ...(json === undefined ? {} : { json }),
    ...(body === undefined ? {} : { body }),
    timeoutMs: timeoutMs ?? timing.callMs,
    signal,
  });
  const tokened = <T>(use: (token: string) => Promise<T>, signal: AbortSignal) =>
    withToken(tokens, use, isTokenRefused, signal).catch((error: unknown) => {
      doubt.heard(error);
      throw error instanceof PlatformError
        ? error
        : new PlatformError("unavailable", "The call was given up.");
    });

  return {
    appId,
    doubted: doubt.raised,
    serverNowMs: () => Date.now() + aheadMs,
    call: (call, signal) =>
      tokened(
        async (token) => dataOf(await ask(requestOf(call, token, signal)), `${call.method} ${call.path}`),
        signal,
      ),
    download: ({ path, query }, signal) =>
      tokened(async (token) => {
        const call: Call = { method: "GET", path, timeoutMs: timing.transferMs, ...(query ? { query } : {}) };
        const response = await requestBytes(TITLE, requestOf(call, token, signal));
        if (response.ok) return response;
        const json: unknown = await response.json().catch(() => undefined);
        throw refusalOf({ status: response.status, headers: response.headers, json });
      }, signal),
    async endpoint(signal) {
      const request = {
        method: "POST",
        url: new URL(`${base}/callback/ws/endpoint`),
        headers: { locale: "zh" },
        json: { AppID: appId, AppSecret: appSecret },
        timeoutMs: timing.callMs,
        signal,
      } as const;
      return dataOf(await ask(request), "the opening of a connection");
    },
  };
}

/** A path whose ids cannot lead out of it. */
export function pathOf(parts: TemplateStringsArray, ...ids: readonly string[]): string {
  return parts.reduce((path, part, i) => path + encodeURIComponent(ids[i - 1] ?? "") + part);
}

function addressOf(base: string, path: string, query: Readonly<Record<string, string>> = {}): URL {
  const url = new URL(`${base}/open-apis${path}`);
  for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
  return url;
}

/** open.feishu.cn/document/server-docs/authentication-management/access-token/tenant_access_token_internal */
function tokenIn(answer: ApiAnswer): AccessToken {
  const body = fieldsOf(dataOf(answer, "the request for an access token"));
  const [token, expire] = [textOf(body["tenant_access_token"]), body["expire"]];
  if (token === "") throw new PlatformError("unavailable", "Feishu gave no access token.");
  return { token, lifetimeMs: typeof expire === "number" ? expire * 1000 : 0 };
}

function refusalOf(answer: ApiAnswer): unknown {
  try {
    dataOf(answer, "the download");
  } catch (error) {
    return error;
  }
  return new PlatformError("unavailable", `Feishu answered the download with ${answer.status}.`);
}
