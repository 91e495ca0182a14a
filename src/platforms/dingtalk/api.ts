import type { AccountSettings } from "../contract.ts";
import { type Fields, fieldsOf, textOf } from "../fields.ts";
import { requestBytes } from "../json-api.ts";
import { withToken } from "../token-cache.ts";
import { isTokenRefused, olderRefusalOf, refusalOf } from "./errors.ts";
import { createRequests, isSuccess, type Requests } from "./requests.ts";
import { requestConnection } from "./tickets.ts";
import type { Timing } from "./timing.ts";

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
  const requests = createRequests(account, timing);
  const { hosts, ask } = requests;
  return {
    robotCode: account.robot_code ?? requests.appKey,
    isTheirs: hosts.areTheirs,

    call: (method, path, json, what, signal) =>
      tokened(requests, signal, async (token) => {
        const headers = { "x-acs-dingtalk-access-token": token };
        const answer = await ask({ method, url: new URL(path, hosts.api), json, headers }, signal);
        if (!isSuccess(answer)) throw refusalOf(answer, what);
        return fieldsOf(answer.json);
      }),

    async postToWebhook(url, json, signal) {
      const answer = await ask({ method: "POST", url, json }, signal);
      if (fieldsOf(answer.json)["errcode"] !== 0) throw olderRefusalOf(answer, "the message");
    },

    upload: (kind, file, signal) =>
      tokened(requests, signal, async (token) => {
        const url = new URL("media/upload", hosts.olderApi);
        url.search = new URLSearchParams({ access_token: token, type: kind }).toString();
        const body = new FormData();
        body.append("media", file);
        const answer = await ask({ method: "POST", url, body, timeoutMs: timing.transferMs }, signal);
        const { errcode, media_id: id } = fieldsOf(answer.json);
        if (errcode !== 0 || textOf(id) === "") throw olderRefusalOf(answer, "the file");
        return textOf(id);
      }),

    download: (url, signal) =>
      requestBytes("DingTalk", { method: "GET", url, timeoutMs: timing.transferMs, signal }),

    openConnection: (signal) => requestConnection(requests, signal),

    async tryCredentials(signal) {
      await requests.requestToken(signal);
    },
  };
}

function tokened<T>(
  { tokens }: Requests,
  signal: AbortSignal,
  call: (token: string) => Promise<T>,
): Promise<T> {
  return withToken(tokens, call, isTokenRefused, signal);
}
