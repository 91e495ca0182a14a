/** One model at one provider, as the protocol clients need it. */
export interface Endpoint {
  /** The provider's name in the configuration. */
  provider: string;
  /** The provider's own name for the model. */
  model: string;
  /** Up to and with the version, without a slash at its end. */
  baseUrl: string;
  apiKey: string | null;
  /** Further request headers. */
  headers: Readonly<Record<string, string>>;
  /** Where a user sets the key, in words: `OPENROUTER_API_KEY or providers.openrouter.api_key`. */
  keyPlace: string;
  firstTokenTimeoutMs: number;
  stallTimeoutMs: number;
  maxOutputTokens: number | null;
  temperature: number | null;
}

/** The address of a path such as `/models` under the base URL; a query of the base URL stays. */
export function endpointUrl(baseUrl: string, path: string): string {
  const url = new URL(baseUrl);
  url.pathname = url.pathname.replace(/\/+$/, "") + path;
  return url.href;
}
