import { type AccountSettings, PlatformError } from "../contract.ts";
import { type Fields, fieldsOf, textOf } from "../fields.ts";
import { type ApiAnswer, type ApiRequest, requestBytes, requestJson } from "../json-api.ts";
import { createTokenCache, withToken } from "../token-cache.ts";
import { credentialRefusalOf, isTokenRefused, olderRefusalOf, refusalOf } from "./errors.ts";
import { hostsOf } from "./hosts.ts";
import type { Timing } from "./timing.ts";

const TITLE = "DingTalk";
/** What arrives over a connection: messages to the robot. Events of the app go to whoever else has asked for them. */
const SUBSCRIPTIONS = [{ type: "CALLBACK", topic: "/v1.0/im/bot/messages/get" }];

/** The kinds under which DingTalk keeps uploaded files. */
export type MediaKind = "image" | "file";

/** The API of DingTalk for one app. Every call rejects with a `PlatformError` that holds no secret. */
export interface DingTalkApi {
  /** The robot of the app. */
  readonly robotCode: string;
  /** A call with the app's access token; `what` says in errors what was asked for. Made once more when the token is refused. */
  call(
    method: "POST" | "PUT",
    path: string,
    json: object,
    what: string,
    signal: AbortSignal,
  ): Promise<Fields>;
  /** Posts a message to the webhook of a conversation, which needs no token. */
  postToWebhook(url: URL, json: object, signal: AbortSignal): Promise<void>;
  /** The id of the uploaded file. */
  upload(kind: MediaKind, file: File, signal: AbortSignal): Promise<string>;
  /** Begins to fetch a file from an address that DingTalk gave. */
  download(url: URL, signal: AbortSignal): Promise<Response>;
  /** Where a connection can be made to; good for one. */
  openConnection(signal: AbortSignal): Promise<URL>;
  /** Rejects with `unauthorized` when DingTalk does not take the app's key and secret. */
  tryCredentials(signal: AbortSignal): Promise<void>;
  /** True for an address that leads to DingTalk itself, or to what the operator has put in its place. */
  isTheirs(url: URL): boolean;
}

/** Makes the client of an app, which asks for a token with its first call. Throws `unauthorized` where a key is missing. */
export function createApi(account: AccountSettings<"dingtalk">, timing: Timing): DingTalkApi {
  const { app_key: appKey, app_secret: appSecret, robot_code: robotCode, api_base: apiBase } = account;
  if (!appKey) throw missing("app_key");
  if (!appSecret) throw missing("app_secret");
  const hosts = hostsOf(apiBase);
  const ask = (request: Pick<ApiRequest, "method" | "url"> & Partial<ApiRequest>, signal: AbortSignal) =>
    requestJson(TITLE, {
      timeoutMs: timing.callMs,
      ...request,
      headers: { accept: "application/json", ...request.headers },
      signal,
    });

  const requestToken = async (signal: AbortSignal) => {
    const url = new URL("v1.0/oauth2/accessToken", hosts.api);
    const answer = await ask({ method: "POST", url, json: { appKey, appSecret } }, signal);
    const { accessToken, expireIn } = fieldsOf(answer.json);
    if (!isSuccess(answer) || typeof accessToken !== "string") throw credentialRefusalOf(answer);
    return { token: accessToken, lifetimeMs: (typeof expireIn === "number" ? expireIn : 7200) * 1000 };
  };
  const tokens = createTokenCache(() => requestToken(AbortSignal.timeout(timing.callMs)));

  return {
    robotCode: robotCode ?? appKey,
    isTheirs: hosts.areTheirs,

    call: (method, path, json, what, signal) =>
      withToken(
        tokens,
        async (token) => {
          const headers = { "x-acs-dingtalk-access-token": token };
          const answer = await ask({ method, url: new URL(path, hosts.api), json, headers }, signal);
          if (!isSuccess(answer)) throw refusalOf(answer, what);
          return fieldsOf(answer.json);
        },
        isTokenRefused,
        signal,
      ),

    async postToWebhook(url, json, signal) {
      const answer = await ask({ method: "POST", url, json }, signal);
      if (fieldsOf(answer.json)["errcode"] !== 0) throw olderRefusalOf(answer, "the message");
    },

    upload: (kind, file, signal) =>
      withToken(
        tokens,
        async (token) => {
          const url = new URL("media/upload", hosts.olderApi);
          url.search = new URLSearchParams({ access_token: token, type: kind }).toString();
          const body = new FormData();
          body.append("media", file);
          const answer = await ask({ method: "POST", url, body, timeoutMs: timing.transferMs }, signal);
          const id = textOf(fieldsOf(answer.json)["media_id"]);
          if (fieldsOf(answer.json)["errcode"] !== 0 || id === "") throw olderRefusalOf(answer, "the file");
          return id;
        },
        isTokenRefused,
        signal,
      ),

    download: (url, signal) =>
      requestBytes(TITLE, { method: "GET", url, timeoutMs: timing.transferMs, signal }),

    async openConnection(signal) {
      const json = { clientId: appKey, clientSecret: appSecret, subscriptions: SUBSCRIPTIONS, ua: "hermes" };
      const url = new URL("v1.0/gateway/connections/open", hosts.api);
      const answer = await ask({ method: "POST", url, json }, signal);
      const { endpoint, ticket } = fieldsOf(answer.json);
      if (!isSuccess(answer)) throw credentialRefusalOf(answer);
      const address = addressOf(textOf(endpoint), textOf(ticket));
      if (address === null || (address.protocol !== "wss:" && hosts.api.protocol === "https:"))
        throw new PlatformError("unavailable", "DingTalk gave no address to connect to.");
      return address;
    },

    async tryCredentials(signal) {
      await requestToken(signal);
    },
  };
}

/** The ticket may hold `+` and `/`, which mean something else in an address. */
function addressOf(endpoint: string, ticket: string): URL | null {
  const url = URL.parse(endpoint);
  if (url === null || ticket === "" || !/^wss?:$/.test(url.protocol)) return null;
  url.searchParams.set("ticket", ticket);
  return url;
}

function isSuccess({ status, json }: ApiAnswer): boolean {
  return status >= 200 && status < 300 && json !== undefined;
}

function missing(key: "app_key" | "app_secret"): PlatformError {
  const name = key === "app_key" ? "Client ID" : "Client Secret";
  return new PlatformError("unauthorized", `platforms.dingtalk.${key} is missing.`, {
    hint: `Copy the ${name} from open-dev.dingtalk.com, your app, Credentials (凭证与基础信息).`,
  });
}
