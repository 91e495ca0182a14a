import { until } from "./until.ts";

/** A call that came to the server API. */
export interface ApiCall {
  /** Below `/cgi-bin/`. */
  path: string;
  query: Readonly<Record<string, string>>;
  /** The body of a call that brought JSON. */
  json: Record<string, unknown>;
}

/** How the next calls fare. */
export interface ApiFailure {
  errcode?: number;
  /** An answer that is no JSON. */
  status?: number;
  /** The connection breaks after this many milliseconds, though the call is done. */
  cutAfterMs?: number;
  /** Default: 1. */
  times?: number;
}

/** A file that the server keeps. */
export interface StoredMedia {
  bytes: Uint8Array;
  mediaType: string;
  name: string;
  kind: string;
}

type Answer = Record<string, unknown> | Response;
/** Does what a call asks for. */
export type Method = (call: ApiCall) => Answer | Promise<Answer>;

/** Throws the answer that a call is refused with. */
export class Refusal extends Error {
  constructor(readonly errcode: number) {
    super(`errcode ${errcode}`);
  }
}

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
  /** Called when something changed. */
  changed?(): void;
}

/** Starts the API on a port of its own. */
export function startServerApi(parts: ServerApiParts): ServerApi {
  const calls: ApiCall[] = [];
  const failures = new Map<string, ApiFailure[]>();
  const store = new Map<string, StoredMedia>();
  let token: string | null = null;
  let tokens = 0;

  const giveToken: Method = (call) => {
    const errcode = parts.checkCredentials(call);
    if (errcode !== 0) throw new Refusal(errcode);
    token ??= `token-${++tokens}-${crypto.randomUUID()}`;
    return { errcode: 0, errmsg: "ok", access_token: token, expires_in: 7200 };
  };
  const addMedia: ServerApi["addMedia"] = (media) => {
    const id = `MEDIA_${store.size + 1}`;
    store.set(id, {
      mediaType: "application/octet-stream",
      name: `file-${store.size}`,
      kind: "file",
      ...media,
    });
    return id;
  };
  const getMedia: Method = ({ query }) => {
    const media = store.get(query["media_id"] ?? "");
    if (media === undefined) throw new Refusal(40007);
    const disposition = `attachment; filename="${Buffer.from(media.name).toString("latin1")}"`;
    return new Response(media.bytes as Uint8Array<ArrayBuffer>, {
      headers: { "content-type": media.mediaType, "content-disposition": disposition },
    });
  };
  const upload = async (request: Request, kind: string): Promise<Answer> => {
    const media = (await request.formData()).get("media");
    if (!(media instanceof Blob)) throw new Refusal(41005);
    const bytes = new Uint8Array(await media.arrayBuffer());
    if (bytes.length < 5) throw new Refusal(40006);
    const name = (media as { name?: string }).name ?? "";
    const id = addMedia({ bytes, kind, name, mediaType: media.type });
    return { errcode: 0, errmsg: "ok", type: kind, media_id: id, created_at: "1380000000" };
  };
  const methods: Record<string, Method> = {
    [parts.tokenPath]: giveToken,
    "media/get": getMedia,
    ...parts.methods,
  };

  const perform = async (call: ApiCall, request: Request): Promise<Answer> => {
    const open = parts.open?.[call.path];
    if (open !== undefined) return open(call);
    if (call.path !== parts.tokenPath && (token === null || call.query["access_token"] !== token))
      throw new Refusal(parts.badToken);
    if (call.path === "media/upload") return upload(request, call.query["type"] ?? "");
    const method = methods[call.path];
    if (method === undefined) throw new Refusal(48001);
    return method(call);
  };
  const answer = async (call: ApiCall, request: Request): Promise<Response> => {
    const failure = takeFailure(failures, call.path);
    try {
      if (failure?.status !== undefined) return new Response("<html>Busy</html>", { status: failure.status });
      if (failure?.errcode !== undefined) throw new Refusal(failure.errcode);
      const done = await perform(call, request);
      if (failure?.cutAfterMs !== undefined) await Bun.sleep(failure.cutAfterMs);
      return done instanceof Response ? done : Response.json(done);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      const errmsg = `refused, hint: [1234], from ip: 127.0.0.1`;
      return Response.json({ errcode: error.errcode, errmsg });
    }
  };
  const serve = (port: number) =>
    Bun.serve({
      hostname: "127.0.0.1",
      port,
      async fetch(request) {
        const { pathname, searchParams } = new URL(request.url);
        const path = pathname.replace(/^\/cgi-bin\//, "");
        const isJson = request.headers.get("content-type")?.startsWith("application/json") ?? false;
        const json = isJson ? ((await request.json()) as Record<string, unknown>) : {};
        const call = { path, query: Object.fromEntries(searchParams), json };
        calls.push(call);
        const response = await answer(call, request);
        parts.changed?.();
        return response;
      },
    });
  let server = serve(0);
  const port = server.port ?? 0;

  return {
    url: `http://127.0.0.1:${port}`,
    calls: (path) => calls.filter((call) => path === undefined || call.path === path),
    fail(path, failure) {
      const waiting = Array.from({ length: failure.times ?? 1 }, () => failure);
      failures.set(path, [...(failures.get(path) ?? []), ...waiting]);
    },
    dropTokens() {
      token = null;
    },
    get tokens() {
      return tokens;
    },
    addMedia,
    media: (id) => store.get(id),
    goOffline: () => server.stop(true),
    goOnline() {
      server = serve(port);
    },
    until,
    [Symbol.asyncDispose]: () => server.stop(true),
  };
}

function takeFailure(failures: Map<string, ApiFailure[]>, path: string): ApiFailure | undefined {
  return failures.get(path)?.shift() ?? failures.get("*")?.shift();
}
