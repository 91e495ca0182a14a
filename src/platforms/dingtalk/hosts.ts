const API = "https://api.dingtalk.com/";
const OLDER_API = "https://oapi.dingtalk.com/";
/** The international DingTalk has two hosts as well. */
const INTERNATIONAL = ["api.dingtalk.io", "oapi.dingtalk.io"] as const;

/** Where the API of DingTalk is. */
export interface Hosts {
  /** Where most calls go. Ends with a slash. */
  api: URL;
  /** Where files are uploaded to. Ends with a slash. */
  olderApi: URL;
  /** True for an address that leads to DingTalk itself, or to what the operator has put in its place. */
  areTheirs(url: URL): boolean;
}

/** The hosts for an account; `apiBase` is its `api_base`. Throws a `TypeError` for one that is no address. */
export function hostsOf(apiBase: string | undefined): Hosts {
  const api = new URL((apiBase ?? API).replace(/\/*$/, "/"));
  const olderApi = apiBase === undefined ? new URL(OLDER_API) : olderBeside(api);
  const origins: readonly string[] = [
    new URL(API).origin,
    new URL(OLDER_API).origin,
    api.origin,
    olderApi.origin,
  ];
  return { api, olderApi, areTheirs: ({ origin }) => origins.includes(origin) };
}

/** True for the `api_base` of the international DingTalk. */
export function isInternational(apiBase: string | undefined): boolean {
  const [host] = INTERNATIONAL;
  return URL.parse(apiBase ?? API)?.hostname === host;
}

function olderBeside(api: URL): URL {
  const [, older] = INTERNATIONAL;
  return isInternational(api.href) ? new URL(`https://${older}/`) : api;
}
