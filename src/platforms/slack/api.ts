import { type Logger, LogLevel, WebClient, type WebClientOptions } from "@slack/web-api";
import { orAborted } from "../../lib/waiting.ts";
import type { AccountSettings } from "../contract.ts";
import { lacks, toPlatformError } from "./errors.ts";

const SLACK_API = "https://slack.com/api/";
const CALL_TIMEOUT_MS = 15_000;

/** Slack's Web API with the token of the bot. */
export interface SlackApi {
  /** One attempt of a call. Rejects with a `PlatformError`; when the signal aborts, with its reason. */
  call<Result>(method: string, args: Readonly<Record<string, unknown>>, signal: AbortSignal): Promise<Result>;
  /** True for an address that may be given the token or a file: the API's own origin, and Slack's servers. */
  trusts(url: URL): boolean;
  readonly token: string;
}

/** What both clients of the SDK are made with: one attempt per call, since the gateway alone retries. */
export function clientOptions({ api_base }: Pick<AccountSettings<"slack">, "api_base">): WebClientOptions {
  return {
    slackApiUrl: apiBase(api_base),
    retryConfig: { retries: 0 },
    rejectRateLimitedCalls: true,
    timeout: CALL_TIMEOUT_MS,
    allowAbsoluteUrls: false,
  };
}

/** The Web API of an account. Throws `unauthorized` for one without a bot token. */
export function createSlackApi(account: AccountSettings<"slack">): SlackApi {
  const token = account.bot_token;
  if (token === undefined || token === "") throw lacks("bot_token", "There is no bot token.");
  const client = new WebClient(token, { ...clientOptions(account), logger: SILENT });
  const { origin } = new URL(apiBase(account.api_base));
  return {
    token,
    trusts: (url) => url.origin === origin || (url.protocol === "https:" && isOfSlack(url.hostname)),
    async call<Result>(method: string, args: Readonly<Record<string, unknown>>, signal: AbortSignal) {
      signal.throwIfAborted();
      const called = client.apiCall(method, args).catch((thrown: unknown) => {
        throw toPlatformError(thrown, method);
      });
      // Slack's answers have the form that its reference tells; every caller says which one it reads.
      return (await orAborted(called, signal)) as Result;
    },
  };
}

/** The SDK's own log would go to the console, with the texts of messages in it; what fails comes as an error as well. */
export const SILENT: Logger = {
  debug: () => {},
  info: () => {},
  warn: () => {},
  error: () => {},
  setLevel: () => {},
  getLevel: () => LogLevel.ERROR,
  setName: () => {},
};

function apiBase(configured: string | undefined): string {
  const base = configured ?? SLACK_API;
  return base.endsWith("/") ? base : `${base}/`;
}

function isOfSlack(hostname: string): boolean {
  return hostname === "slack.com" || hostname.endsWith(".slack.com");
}
