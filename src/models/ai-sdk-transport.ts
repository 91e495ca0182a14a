import type { AppError } from "../lib/errors.ts";
import { readBody } from "./body.ts";
import type { Endpoint } from "./endpoint.ts";
import { connectionFailure, statusFailure, webPage } from "./failure.ts";
import type { Watch } from "./watch.ts";

/** A `fetch` for an @ai-sdk package that keeps our limits and remembers what went wrong. */
export interface Transport {
  fetch: typeof globalThis.fetch;
  /** The first failure it has met. */
  readonly failure: AppError | null;
}

export function createTransport(endpoint: Endpoint, watch: Watch): Transport {
  let failure: AppError | null = null;
  const fail = (error: unknown): never => {
    failure ??= error as AppError;
    throw error;
  };

  async function send(input: string | URL | Request, init?: RequestInit): Promise<Response> {
    // Bun's own options: compressed bodies are expanded by `readBody`, and the watch keeps the time.
    const options: BunFetchRequestInit & { decompress: false; timeout: false } = {
      ...(init as BunFetchRequestInit),
      headers: { ...Object.fromEntries(new Headers(init?.headers)), "accept-encoding": "identity" },
      redirect: "manual",
      decompress: false,
      timeout: false,
      signal: watch.signal,
    };
    const response = await watch
      .wait(fetch(input, options))
      .catch((cause: unknown) => fail(connectionFailure(endpoint, false, cause)));
    const reader = readBody(response, endpoint, watch);
    if (!response.ok)
      fail(statusFailure(endpoint, response.status, response.headers, await reader.text().catch(fail)));
    if (/\bhtml\b/i.test(response.headers.get("content-type") ?? "")) fail(webPage(endpoint));
    const body = new ReadableStream<Uint8Array>({
      async pull(controller) {
        const bytes = await reader.read().catch(fail);
        if (bytes) controller.enqueue(bytes);
        else controller.close();
      },
    });
    const headers = new Headers(response.headers);
    headers.delete("content-encoding");
    headers.delete("content-length");
    return new Response(body, { status: response.status, headers });
  }

  return {
    fetch: send as typeof globalThis.fetch,
    get failure() {
      return failure;
    },
  };
}
