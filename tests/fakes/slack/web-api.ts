import { type ApiCall, ApiError, type Args, type Failure } from "./contract.ts";
import { APP_METHODS, METHODS, type MethodContext } from "./methods.ts";

/** What the Web API is made of. */
export interface WebApiParts extends Omit<MethodContext, "origin"> {
  botToken: string;
  appToken: string;
}

/** `https://slack.com/api/`: one POST per method, answered with 200 whether it was done or refused. */
export interface WebApi {
  readonly calls: ApiCall[];
  answer(method: string, request: Request): Promise<Response>;
  fail(method: string, failure: Failure, times: number): void;
  heal(): void;
}

interface Asked {
  method: string;
  args: Args;
  token: string;
  origin: string;
}

/** The Web API of a workspace. */
export function createWebApi(parts: WebApiParts): WebApi {
  const calls: ApiCall[] = [];
  let failing: { method: string; failure: Failure; left: number }[] = [];

  const nextFailure = (method: string): Failure | null => {
    const found = failing.find((one) => one.method === method && one.left > 0);
    if (found === undefined) return null;
    found.left -= 1;
    return found.failure;
  };

  return {
    calls,
    fail: (method, failure, left) => void failing.push({ method, failure, left }),
    heal() {
      failing = [];
    },
    async answer(method, request) {
      const args = await argsOf(request);
      const token = (request.headers.get("authorization") ?? "").replace(/^Bearer /, "");
      calls.push({ method, args, token, atMs: Date.now() });
      const failure = nextFailure(method);
      if (failure !== null && !failure.isDone) return failed(failure);
      // Addresses lead the way that the caller came.
      const { origin } = new URL(request.url);
      const answer = done({ method, args, token, origin }, parts);
      return failure === null ? answer : failed(failure);
    },
  };
}

function done({ method, args, token, origin }: Asked, parts: WebApiParts): Response {
  try {
    const call = METHODS[method];
    if (call === undefined) throw new ApiError("unknown_method", { req_method: method });
    checkToken(method, token, parts);
    return Response.json({ ok: true, ...call(args, { ...parts, origin }) });
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    return Response.json({ ok: false, error: error.code, ...error.more });
  }
}

function checkToken(method: string, token: string, { botToken, appToken }: WebApiParts): void {
  const [wanted, other] = APP_METHODS.has(method) ? [appToken, botToken] : [botToken, appToken];
  if (token === wanted) return;
  if (token === "") throw new ApiError("not_authed");
  throw new ApiError(token === other ? "not_allowed_token_type" : "invalid_auth");
}

function failed(failure: Failure): Response {
  if ("error" in failure) return Response.json({ ok: false, error: failure.error, ...failure.more });
  if ("status" in failure) return new Response(failure.body ?? "", { status: failure.status });
  if ("retryAfterS" in failure) {
    const headers = failure.retryAfterS === null ? {} : { "retry-after": String(failure.retryAfterS) };
    return Response.json({ ok: false, error: "ratelimited" }, { status: 429, headers });
  }
  // A body that breaks off takes the connection with it; without a reason Bun prints none.
  return new Response(new ReadableStream({ pull: (stream) => stream.error() }));
}

async function argsOf(request: Request): Promise<Args> {
  const type = request.headers.get("content-type") ?? "";
  if (type.startsWith("application/json")) return (await request.json()) as Args;
  const form = type.startsWith("multipart/form-data")
    ? await request.formData()
    : new URLSearchParams(await request.text());
  return Object.fromEntries([...form].map(([name, value]) => [name, parsed(name, value)]));
}

/** The SDK sends objects as JSON in fields of a form. */
function parsed(name: string, value: unknown): unknown {
  if (typeof value !== "string" || !["blocks", "files", "metadata", "chunks"].includes(name)) return value;
  return JSON.parse(value);
}
