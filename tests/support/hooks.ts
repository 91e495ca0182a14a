import { schemeOf } from "../../src/webhooks/schemes.ts";
import { openTestServer, type TestServer, type TestServerOptions } from "./server.ts";

/** An HMAC of a sender whom Hermes does not know by name, as a route describes it. */
export const GENERIC = {
  header: "X-Acme-Signature",
  prefix: "sig=",
  algorithm: "sha256",
  encoding: "base64",
  content: "{timestamp}.{body}",
  timestamp_header: "X-Acme-Time",
} as const;

/** The secret of every address that takes events in tests. */
export const HOOK_SECRET = "the-secret-of-events-in-tests-0123456789";

export interface HookServer extends TestServer {
  /** Posts a body to a route, or to the endpoint itself for an empty name: as JSON that is signed, unless said otherwise. */
  event(route: string, body: unknown, options?: EventOptions): Promise<Response>;
  /** What an answer says, with its status. */
  told(answer: Response): Promise<Told>;
}

export interface EventOptions {
  /** Signs with this secret; null: not at all. */
  secret?: string | null;
  /** As an event of this id, by Standard Webhooks; otherwise by the body alone. */
  id?: string;
  nowMs?: number;
  headers?: Record<string, string>;
}

/** An answer to an event. */
export interface Told {
  httpStatus: number;
  event_id?: string;
  run_id?: string | null;
  delivery_id?: string;
  status?: string | number;
  duplicate?: boolean;
  response?: string;
  code?: string;
  hint?: string;
}

/** A server that takes events, with these routes. */
export async function openHookServer(
  routes: Record<string, unknown> = {},
  options: TestServerOptions & { settings?: Record<string, unknown> } = {},
): Promise<HookServer> {
  const settings = { enabled: true, port: 0, secret: HOOK_SECRET, routes, ...options.settings };
  const webhook = { ...settings, rate_limit: { requests_per_minute: 10_000_000 } };
  const server = await openTestServer({
    model: "echo",
    ...options,
    webhook: true,
    config: { ...options.config, gateway: { webhook } },
  });
  return {
    ...server,
    event: (route, body, { secret = HOOK_SECRET, headers, ...how } = {}) => {
      const text = typeof body === "string" ? body : JSON.stringify(body);
      return fetch(`http://127.0.0.1:${server.webhookPort}/webhook${route === "" ? "" : `/${route}`}`, {
        method: "POST",
        body: text,
        headers: {
          "content-type": "application/json",
          ...(secret === null ? {} : signature(text, secret, how)),
          ...headers,
        },
      });
    },
    told: async (answer) => ({ httpStatus: answer.status, ...((await answer.json()) as object) }),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

/** The headers that sign a body: by Standard Webhooks where there is an id. */
export function signature(text: string, secret: string, { id, nowMs = Date.now() }: EventOptions = {}) {
  const scheme = schemeOf(id === undefined ? "hermes" : "standard");
  return scheme.sign(Buffer.from(text), secret, { id: id ?? "unused", nowMs });
}
