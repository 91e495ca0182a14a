import { type Answer, type ApiCall, type ApiFailure, type Method, Refusal } from "./contract.ts";
import { createMedia, type StoredMedia } from "./media.ts";
import { until } from "./until.ts";

/** The server API that WeCom and WeChat have in common: tokens, files, numbers of errors. */
export interface ServerApi extends AsyncDisposable {
  readonly url: string;
  calls(path?: string): readonly ApiCall[];
  fail(path: string, failure: ApiFailure): void;
  /** No token that was given is worth anything from now on. */
  dropTokens(): void;
  /** How many tokens were given. */
  readonly tokens: number;
  addMedia(media: Partial<StoredMedia> & { bytes: Uint8Array }): string;
  media(id: string): StoredMedia | undefined;
  goOffline(): Promise<void>;
  goOnline(): void;
  until(condition: () => boolean, what: string): Promise<void>;
}

/** What tells one platform from the other. */
export interface ServerApiParts {
  /** The path of the call for a token, and whether its credentials are right; else the number of the error. */
  tokenPath: string;
  checkCredentials(call: ApiCall): number;
  /** The number for a token that is none. */
  badToken: number;
  methods: Readonly<Record<string, Method>>;
  /** What needs no token. */
  open?: Readonly<Record<string, Method>>;
}

/** Starts the API on a port of its own. */
export function startServerApi(parts: ServerApiParts): ServerApi {
  const calls: ApiCall[] = [];
  const failures = createFailures();
  const media = createMedia();
  const tokens = createTokens(parts);
  const methods: Record<string, Method> = {
    [parts.tokenPath]: tokens.give,
    "media/get": media.get,
    ...parts.methods,
  };

  const perform = async (call: ApiCall, request: Request): Promise<Answer> => {
    const open = parts.open?.[call.path];
    if (open !== undefined) return open(call);
    if (call.path !== parts.tokenPath) tokens.check(call);
    // What a platform says of files goes before what all of them do.
    if (call.path === "media/upload" && methods[call.path] === undefined)
      return media.upload(request, call.query["type"] ?? "");
    const method = methods[call.path];
    if (method === undefined) throw new Refusal(48001);
    return method(call);
  };
  const serve = (port: number) =>
    Bun.serve({
      hostname: "127.0.0.1",
      port,
      async fetch(request) {
        const call = await callOf(request);
        calls.push(call);
        return answer(() => perform(call, request), failures.take(call.path));
      },
    });
  let server = serve(0);
  const port = server.port ?? 0;

  return {
    url: `http://127.0.0.1:${port}`,
    calls: (path) => calls.filter((call) => path === undefined || call.path === path),
    fail: failures.add,
    dropTokens: tokens.drop,
    get tokens() {
      return tokens.given;
    },
    addMedia: media.add,
    media: media.find,
    goOffline: () => server.stop(true),
    goOnline() {
      server = serve(port);
    },
    until,
    [Symbol.asyncDispose]: () => server.stop(true),
  };
}

async function callOf(request: Request): Promise<ApiCall> {
  const { pathname, searchParams } = new URL(request.url);
  const isJson = request.headers.get("content-type")?.startsWith("application/json") ?? false;
  return {
    path: pathname.replace(/^\/cgi-bin\//, ""),
    query: Object.fromEntries(searchParams),
    json: isJson ? ((await request.json()) as Record<string, unknown>) : {},
  };
}

async function answer(perform: () => Promise<Answer>, failure: ApiFailure | undefined): Promise<Response> {
  if (failure?.status !== undefined) return new Response("<html>Busy</html>", { status: failure.status });
  try {
    if (failure?.errcode !== undefined) throw new Refusal(failure.errcode, failure.errmsg);
    const done = await perform();
    return done instanceof Response ? done : Response.json(done);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return Response.json({ errcode: error.errcode, errmsg: error.errmsg });
  }
}

/** One token at a time, which is the same for whoever asks until it is dropped. */
function createTokens({ checkCredentials, badToken }: ServerApiParts) {
  let token: string | null = null;
  let given = 0;
  return {
    give(call: ApiCall): Answer {
      const errcode = checkCredentials(call);
      if (errcode !== 0) throw new Refusal(errcode);
      token ??= `token-${++given}-${crypto.randomUUID()}`;
      return { errcode: 0, errmsg: "ok", access_token: token, expires_in: 7200 };
    },
    check({ query }: ApiCall) {
      if (token === null || query["access_token"] !== token) throw new Refusal(badToken);
    },
    drop() {
      token = null;
    },
    get given() {
      return given;
    },
  };
}

function createFailures() {
  const waiting = new Map<string, ApiFailure[]>();
  return {
    add(path: string, failure: ApiFailure) {
      const more = Array.from({ length: failure.times ?? 1 }, () => failure);
      waiting.set(path, [...(waiting.get(path) ?? []), ...more]);
    },
    take: (path: string) => waiting.get(path)?.shift(),
  };
}
