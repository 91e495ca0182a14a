import { type AccountSettings, PlatformError } from "../contract.ts";
import { fieldsOf } from "../fields.ts";
import { type ApiAnswer, type ApiRequest, requestJson } from "../json-api.ts";
import { type AccessToken, createTokenCache, type TokenCache } from "../token-cache.ts";
import { credentialRefusalOf } from "./errors.ts";
import { type Hosts, hostsOf } from "./hosts.ts";
import type { Timing } from "./timing.ts";

/** A request as far as its maker cares; it ends after `Timing.callMs` where it says nothing else. */
export type Asked = Pick<ApiRequest, "method" | "url"> & Partial<ApiRequest>;

/** How the calls of one app are made, and with which token. */
export interface Requests {
  hosts: Hosts;
  appKey: string;
  appSecret: string;
  tokens: TokenCache;
  ask(request: Asked, signal: AbortSignal): Promise<ApiAnswer>;
  /** Rejects with `unauthorized` when DingTalk does not take the app's key and secret. */
  requestToken(signal: AbortSignal): Promise<AccessToken>;
}

/** What calls are made with. Throws `unauthorized` where a key is missing. */
export function createRequests(account: AccountSettings<"dingtalk">, timing: Timing): Requests {
  const { app_key: appKey, app_secret: appSecret, api_base: apiBase } = account;
  if (!appKey) throw missing("app_key");
  if (!appSecret) throw missing("app_secret");
  const hosts = hostsOf(apiBase);

  const ask: Requests["ask"] = (request, signal) =>
    requestJson("DingTalk", {
      timeoutMs: timing.callMs,
      ...request,
      // Whoever does not ask for JSON gets XML of some.
      headers: { accept: "application/json", ...request.headers },
      signal,
    });
  const requestToken: Requests["requestToken"] = async (signal) => {
    const url = new URL("v1.0/oauth2/accessToken", hosts.api);
    const answer = await ask({ method: "POST", url, json: { appKey, appSecret } }, signal);
    const { accessToken, expireIn } = fieldsOf(answer.json);
    if (!isSuccess(answer) || typeof accessToken !== "string") throw credentialRefusalOf(answer);
    return { token: accessToken, lifetimeMs: (typeof expireIn === "number" ? expireIn : 7200) * 1000 };
  };
  const tokens = createTokenCache(() => requestToken(AbortSignal.timeout(timing.callMs)));
  return { hosts, appKey, appSecret, tokens, ask, requestToken };
}

/** True for an answer of the newer API that is no error. */
export function isSuccess({ status, json }: ApiAnswer): boolean {
  return status >= 200 && status < 300 && json !== undefined;
}

function missing(key: "app_key" | "app_secret"): PlatformError {
  const name = key === "app_key" ? "Client ID" : "Client Secret";
  return new PlatformError("unauthorized", `platforms.dingtalk.${key} is missing.`, {
    hint: `Copy the ${name} from open-dev.dingtalk.com, your app, Credentials (凭证与基础信息).`,
  });
}
