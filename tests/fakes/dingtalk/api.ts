import { randomUUID } from "node:crypto";
import { type ApiCall, ApiError, type Failure, OlderError, type Route } from "./contract.ts";

/** A call that is to be answered. */
export type Call = ApiCall & { form: FormData | null; origin: string };

/** What answers a call: the JSON of a success, or a whole answer. Throws `ApiError` or `OlderError`. */
export type Handler = (call: Call) => object | Response;

/** The calls of DingTalk's API: which there are, who may make them, and how they go wrong. */
export interface Api {
  readonly calls: ApiCall[];
  /** Undefined for an address that is none of the API's. */
  answer(request: Request): Promise<Response> | undefined;
  fail(route: Route, failure: Failure, times: number): void;
  heal(): void;
}

const ROUTES: readonly [method: string, path: RegExp, route: Route, access: "token" | "query" | "none"][] = [
  ["POST", /^\/v1\.0\/oauth2\/accessToken$/, "token", "none"],
  ["POST", /^\/v1\.0\/gateway\/connections\/open$/, "connection", "none"],
  ["POST", /^\/robot\/sendBySession$/, "webhook", "none"],
  ["POST", /^\/v1\.0\/robot\/oToMessages\/batchSend$/, "person", "token"],
  ["POST", /^\/v1\.0\/robot\/groupMessages\/send$/, "group", "token"],
  ["POST", /^\/v1\.0\/robot\/(groupMessages\/recall|otoMessages\/batchRecall)$/, "recall", "token"],
  ["POST", /^\/v1\.0\/robot\/messageFiles\/download$/, "file", "token"],
  ["POST", /^\/v1\.0\/robot\/emotion\/(reply|recall)$/, "reaction", "token"],
  ["POST", /^\/v1\.0\/card\/instances\/createAndDeliver$/, "card", "token"],
  ["PUT", /^\/v1\.0\/card\/streaming$/, "card text", "token"],
  ["PUT", /^\/v1\.0\/card\/instances$/, "card data", "token"],
  ["POST", /^\/media\/upload$/, "upload", "query"],
  ["GET", /^\/files\/[^/]+$/, "bytes", "none"],
];

/** Answers calls by the handlers; `isToken` knows the tokens that are worth something. */
export function createApi(
  handlers: Readonly<Record<Route, Handler>>,
  isToken: (token: string) => boolean,
): Api {
  const calls: ApiCall[] = [];
  let failing: { route: Route; failure: Failure; left: number }[] = [];

  const done = (call: Call, access: string): Response => {
    try {
      if (access === "token" && !isToken(call.headers["x-acs-dingtalk-access-token"] ?? ""))
        throw new ApiError(401, "InvalidAuthentication");
      if (access === "query" && !isToken(call.query["access_token"] ?? ""))
        throw new OlderError(40014, "不合法的access_token");
      const answer = handlers[call.route](call);
      return answer instanceof Response ? answer : Response.json(answer);
    } catch (error) {
      if (error instanceof OlderError)
        return Response.json({ errcode: error.errcode, errmsg: error.message });
      if (!(error instanceof ApiError)) throw error;
      return refusal(error);
    }
  };
  const answer = async (request: Request, route: Route, access: string): Promise<Response> => {
    const call = await callOf(request, route);
    calls.push(call);
    const found = failing.find((one) => one.route === route && one.left > 0);
    if (found === undefined) return done(call, access);
    found.left -= 1;
    if (found.failure.isDone) done(call, access);
    return failed(found.failure);
  };
  return {
    calls,
    answer(request) {
      const { pathname } = new URL(request.url);
      const known = ROUTES.find(([method, path]) => method === request.method && path.test(pathname));
      return known && answer(request, known[2], known[3]);
    },
    fail: (route, failure, left) => void failing.push({ route, failure, left }),
    heal() {
      failing = [];
    },
  };
}

async function callOf(request: Request, route: Route): Promise<Call> {
  const { pathname: path, searchParams, origin } = new URL(request.url);
  const isForm = request.headers.get("content-type")?.startsWith("multipart/form-data") ?? false;
  const form = isForm ? await request.formData() : null;
  const text = form === null ? await request.text() : "";
  return {
    route,
    method: request.method,
    path,
    headers: request.headers.toJSON(),
    query: Object.fromEntries(searchParams),
    json: text === "" ? {} : (JSON.parse(text) as Record<string, unknown>),
    atMs: Date.now(),
    form,
    origin,
  };
}

function refusal({ status, code, more }: ApiError, headers: Record<string, string> = {}): Response {
  const body = { code, message: `${code} (in words)`, requestid: randomUUID(), ...more };
  return Response.json(body, { status, headers });
}

function failed(failure: Failure): Response | Promise<Response> {
  if ("hangs" in failure) return new Promise<Response>(() => {});
  if ("errcode" in failure)
    return Response.json({ errcode: failure.errcode, errmsg: failure.errmsg ?? "failed" });
  const { status, code, retryAfterS, more } = failure;
  const headers: Record<string, string> =
    retryAfterS === undefined ? {} : { "retry-after": String(retryAfterS) };
  // Without a code, it is the page of a proxy.
  if (code === undefined) return new Response("<html>failed</html>", { status, headers });
  return refusal(new ApiError(status, code, more), headers);
}
