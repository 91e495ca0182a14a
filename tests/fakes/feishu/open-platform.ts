import { CARD_KIT } from "./card-kit.ts";
import { type ApiCall, ApiError, type Failure, type Json } from "./contract.ts";
import { type Request as Call, IM } from "./im.ts";
import type { Workspace } from "./workspace.ts";

const ROUTES = { ...IM, ...CARD_KIT };
const DOWNLOAD = "GET /im/v1/messages/:id/resources/:id";
const TOKEN = "POST /auth/v3/tenant_access_token/internal";
const BOT = "GET /bot/v3/info";

/** The app that the fake knows, and its bot. */
export interface App {
  id: string;
  secret: string;
  botOpenId: string;
  botName: string;
}

/** The server API. */
export interface OpenPlatform {
  /** Answers a request below `/open-apis`. */
  answer(request: Request): Promise<Response>;
  readonly calls: readonly ApiCall[];
  fail(route: string, failure: Failure, times: number): void;
  heal(): void;
  /** Tokens that were given are taken no more. */
  expireTokens(): void;
  /** The app is worth nothing any more. */
  revoke(): void;
  readonly isRevoked: boolean;
}

/** Tokens, messages, cards and files of one app. */
export function createOpenPlatform(app: App, workspace: Workspace, tokenLifetimeS: number): OpenPlatform {
  const calls: ApiCall[] = [];
  const failures: { route: string; failure: Failure; left: number }[] = [];
  const tokens = new Set<string>();
  let isRevoked = false;

  const newToken = ({ json }: ApiCall): Json => {
    if (isRevoked || json["app_id"] !== app.id || json["app_secret"] !== app.secret)
      throw new ApiError(10014, "app secret invalid", 200);
    const token = `t-${workspace.nextId("fake")}`;
    tokens.add(token);
    return { tenant_access_token: token, expire: tokenLifetimeS };
  };
  const checkToken = ({ token }: ApiCall) => {
    if (token === "") throw new ApiError(99991661, "Missing access token for authorization.", 401);
    if (!tokens.has(token)) throw new ApiError(99991663, "Invalid access token for authorization.", 400);
  };
  const take = (route: string): Failure | undefined => {
    const found = failures.find((one) => one.route === route && one.left > 0);
    if (found) found.left -= 1;
    return found?.failure;
  };
  const done = (call: ApiCall): Response => {
    if (call.route === TOKEN) return Response.json({ code: 0, msg: "ok", ...newToken(call) });
    checkToken(call);
    if (call.route === BOT)
      return Response.json({
        code: 0,
        msg: "ok",
        bot: { activate_status: 2, app_name: app.botName, open_id: app.botOpenId },
      });
    if (call.route === DOWNLOAD) return download(call, workspace);
    const handler = ROUTES[call.route];
    if (handler === undefined) return new Response("404 page not found", { status: 404 });
    const request: Call = { ids: idsIn(call.path), query: call.query, json: call.json, form: call.form };
    return Response.json({ code: 0, msg: "success", data: handler(request, workspace, app.id) });
  };

  return {
    calls,
    async answer(request) {
      const call = await readCall(request);
      calls.push(call);
      const failure = take(call.route);
      try {
        const answer = failure === undefined || failure.isDone ? done(call) : null;
        return (failure === undefined ? answer : await failed(failure, request)) ?? new Response();
      } catch (error) {
        if (!(error instanceof ApiError)) throw error;
        return refusal(error);
      }
    },
    fail(route, failure, times) {
      if (![...Object.keys(ROUTES), DOWNLOAD, TOKEN, BOT].includes(route))
        throw new Error(`the fake has no ${route}`);
      failures.push({ route, failure, left: times });
    },
    heal: () => void failures.splice(0),
    expireTokens: () => tokens.clear(),
    revoke() {
      isRevoked = true;
      tokens.clear();
    },
    get isRevoked() {
      return isRevoked;
    },
  };
}

function refusal({ code, msg, status, headers }: ApiError): Response {
  return Response.json({ code, msg, error: { log_id: "2026" } }, { status, headers });
}

async function failed(failure: Failure, request: Request): Promise<Response> {
  if ("page" in failure) return new Response(failure.page, { status: failure.status });
  if ("code" in failure)
    return refusal(
      new ApiError(failure.code, failure.msg ?? "failed", failure.status ?? 400, failure.headers),
    );
  if ("hang" in failure) await new Promise((resolve) => request.signal.addEventListener("abort", resolve));
  // A body that breaks off takes the connection with it; without a reason Bun prints none.
  return new Response(new ReadableStream({ pull: (controller) => controller.error() }));
}

async function readCall(request: Request): Promise<ApiCall> {
  const url = new URL(request.url);
  const path = url.pathname.replace(/^\/open-apis/, "");
  const type = request.headers.get("content-type") ?? "";
  const form: Record<string, string | Uint8Array> = {};
  if (type.startsWith("multipart/form-data"))
    for (const [name, value] of await request.formData()) form[name] = await partOf(name, value);
  const text = type.startsWith("application/json") ? await request.text() : "";
  return {
    route: `${request.method} ${routeOf(path)}`,
    path,
    query: Object.fromEntries(url.searchParams),
    json: text === "" ? {} : (JSON.parse(text) as Json),
    form,
    token: (request.headers.get("authorization") ?? "").replace(/^Bearer /, ""),
    atMs: Date.now(),
  };
}

/** Bytes may come without the name of a file. */
async function partOf(name: string, value: string | Blob): Promise<string | Uint8Array> {
  if (typeof value !== "string") return new Uint8Array(await value.arrayBuffer());
  return name === "file" || name === "image" ? new TextEncoder().encode(value) : value;
}

const IS_ID = /^(?:(?:om|oc|ou|on|omt|img|file|ZCaC)_|\d{19}$)/;

function routeOf(path: string): string {
  return path
    .split("/")
    .map((part) => (IS_ID.test(part) ? ":id" : part))
    .join("/")
    .replace(/\/elements\/[^/]+/, "/elements/:id");
}

function idsIn(path: string): string[] {
  const parts = path.split("/").map(decodeURIComponent);
  return parts.filter((part, i) => IS_ID.test(part) || parts[i - 1] === "elements");
}

function download({ path, query }: ApiCall, workspace: Workspace): Response {
  const [messageId = "", key = ""] = idsIn(path);
  const message = workspace.find(messageId);
  const file = workspace.files.get(key);
  const isOf = JSON.stringify(message.content).includes(key);
  if (file === undefined || !isOf) throw new ApiError(234003, "File not in msg.");
  if (query["type"] !== (key.startsWith("img") ? "image" : "file"))
    throw new ApiError(234001, "Invalid request param.");
  return new Response(file.bytes as Uint8Array<ArrayBuffer>, { headers: { "content-type": file.type } });
}
