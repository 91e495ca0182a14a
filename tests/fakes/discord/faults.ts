import { json } from "./answers.ts";

/** What goes wrong with a request. */
export type Failure = {
  /** How many requests fail like this; 1 unless said otherwise. */
  times?: number;
  /** Discord does what was asked for, and only its answer goes wrong. */
  isDone?: boolean;
} & (
  | { status: number; code?: number; message?: string }
  /** 429, with the headers and the body of Discord. */
  | { rateLimitMs: number; isGlobal?: boolean }
  /** The connection breaks off. */
  | { cut: true }
  /** No answer comes before the client gives up. */
  | { hang: true }
);

/** Failures by route, as `POST /channels/:channel/messages`. */
export interface Faults {
  add(route: string, failure: Failure): void;
  /** The failure that is due for a request of the route. */
  take(route: string): Failure | undefined;
}

export function createFaults(): Faults {
  const due = new Map<string, Failure[]>();
  return {
    add(route, failure) {
      const list = due.get(route) ?? [];
      list.push({ ...failure });
      due.set(route, list);
    },
    take(route) {
      const [next] = due.get(route) ?? [];
      if (next === undefined) return undefined;
      next.times = (next.times ?? 1) - 1;
      if (next.times <= 0) due.get(route)?.shift();
      return next;
    },
  };
}

/** The answer of a request that fails. */
export function failed(failure: Failure): Response | Promise<Response> {
  if ("cut" in failure) return new Response(new ReadableStream({ start: (body) => body.error() }));
  if ("hang" in failure) return new Promise(() => {});
  if ("status" in failure)
    return json({ message: failure.message ?? "Failed", code: failure.code ?? 0 }, failure.status);
  const { rateLimitMs, isGlobal = false } = failure;
  const seconds = rateLimitMs / 1000;
  return json(
    { message: "You are being rate limited.", retry_after: seconds, global: isGlobal },
    429,
    isGlobal
      ? { "retry-after": String(seconds), "x-ratelimit-global": "true", "x-ratelimit-scope": "global" }
      : {
          "retry-after": String(seconds),
          "x-ratelimit-limit": "5",
          "x-ratelimit-remaining": "0",
          "x-ratelimit-reset": String((Date.now() + rateLimitMs) / 1000),
          "x-ratelimit-reset-after": String(seconds),
          "x-ratelimit-bucket": "0123456789abcdef0123456789abcdef",
          "x-ratelimit-scope": "user",
        },
  );
}
