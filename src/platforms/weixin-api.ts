import { PlatformError } from "./contract.ts";
import { createDoubt } from "./doubt.ts";
import { type Fields, fieldsOf, textOf } from "./fields.ts";
import { type ApiAnswer, type ApiRequest, readUpTo, requestBytes, requestJson } from "./json-api.ts";
import { createTokenCache, withToken } from "./token-cache.ts";
import { isTokenRefused, type Meaning, WeixinError } from "./weixin-error.ts";

/** A call, its path below `/cgi-bin/`. */
export interface WeixinCall extends Partial<Pick<ApiRequest, "method" | "json" | "body" | "timeoutMs">> {
  path: string;
  query?: Readonly<Record<string, string>>;
}

/** Bytes, and what their head says of them. */
export interface WeixinBytes {
  bytes: Uint8Array;
  headers: Headers;
}

/** The server API of WeCom or WeChat with the token of one account. Every call rejects with a `PlatformError` without secrets. */
export interface WeixinApi {
  /** Makes a call; one whose token is refused is made once more with a new one. Resolves to the fields of the answer. */
  call(call: WeixinCall, signal: AbortSignal): Promise<Fields>;
  /** Fetches the bytes that a path leads to; `refused` when they are more than `maxBytes`. */
  download(
    call: Pick<WeixinCall, "path" | "query">,
    maxBytes: number,
    signal: AbortSignal,
  ): Promise<WeixinBytes>;
  /** Asks for a new token: whether the credentials are taken, and this address of the network. */
  checkCredentials(signal: AbortSignal): Promise<void>;
  /** Resolves when the next call is refused in a way that the credentials may be the reason of. */
  doubted(): Promise<void>;
}

/** What an API is made from. */
export interface WeixinApiParts {
  title: string;
  /** Where `/cgi-bin/` begins, without a slash at its end. */
  base: string;
  /** Asks for a token. */
  tokenCall: WeixinCall;
  /** What an `errcode` other than 0 means, with its `errmsg`, in an answer to the call of this path. */
  meaningOf(code: number, path: string, words: string): Meaning;
  timing: {
    /** For the answer to a call. */
    callMs: number;
    /** For the head of a file. */
    transferMs: number;
  };
}

/** A small answer that is an error. */
const MAX_ERROR_BYTES = 64 * 1024;

/** Makes the API of an account, which asks for its first token with its first call. */
export function createWeixinApi(parts: WeixinApiParts): WeixinApi {
  const { title, base, tokenCall, meaningOf, timing } = parts;

  const requestOf = ({ path, query, ...call }: WeixinCall, token: string | null, signal: AbortSignal) => {
    const url = new URL(`${base}/cgi-bin/${path}`);
    if (token !== null) url.searchParams.set("access_token", token);
    for (const [name, value] of Object.entries(query ?? {})) url.searchParams.set(name, value);
    return { method: "POST" as const, timeoutMs: timing.callMs, ...call, url, signal };
  };
  const fieldsIn = ({ status, json }: Pick<ApiAnswer, "status" | "json">, path: string): Fields => {
    if (status >= 500 || json === undefined)
      throw new PlatformError("unavailable", `${title} answered ${path} with ${status}.`);
    const fields = fieldsOf(json);
    const code = Number(fields["errcode"] ?? 0);
    if (code !== 0) throw new WeixinError(code, meaningOf(code, path, textOf(fields["errmsg"])));
    return fields;
  };
  const requestToken = async (signal: AbortSignal) => {
    const answer = await requestJson(title, requestOf(tokenCall, null, signal));
    const fields = fieldsIn(answer, tokenCall.path);
    const token = textOf(fields["access_token"]);
    const seconds = Number(fields["expires_in"] ?? 0);
    if (token === "" || !(seconds > 0)) throw new PlatformError("unavailable", `${title} gave no token.`);
    return { token, lifetimeMs: seconds * 1000 };
  };
  // The request is nobody's alone: no signal but its time limit ends it.
  const tokens = createTokenCache(() => requestToken(new AbortController().signal));
  const doubt = createDoubt();
  const tokened = <T>(use: (token: string) => Promise<T>, signal: AbortSignal) =>
    withToken(tokens, use, isTokenRefused, signal).catch((error: unknown) => {
      if (!(error instanceof PlatformError)) throw givenUp();
      doubt.heard(error);
      throw error;
    });

  return {
    call: (call, signal) =>
      tokened(
        async (token) => fieldsIn(await requestJson(title, requestOf(call, token, signal)), call.path),
        signal,
      ),
    download: (call, maxBytes, signal) =>
      tokened(async (token) => {
        const timeoutMs = timing.transferMs;
        const request = { ...requestOf({ ...call, method: "GET" }, token, signal), timeoutMs };
        const answer = await requestBytes(title, request);
        const isFile = answer.ok && answer.headers.has("content-disposition");
        const bytes = await readUpTo(title, answer, isFile ? maxBytes : MAX_ERROR_BYTES, signal);
        if (!isFile) fieldsIn({ status: answer.status, json: parsed(bytes) }, call.path);
        return { bytes, headers: answer.headers };
      }, signal),
    async checkCredentials(signal) {
      await requestToken(signal);
    },
    doubted: doubt.raised,
  };
}

function givenUp(): PlatformError {
  return new PlatformError("unavailable", "The call was given up.");
}

/** The value of a JSON text; undefined for any other text. */
function parsed(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return undefined;
  }
}
