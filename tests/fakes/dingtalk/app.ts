import { randomUUID } from "node:crypto";
import type { Call, Handler } from "./api.ts";
import { ApiError, type FakeDingTalkOptions, OlderError, type Route } from "./contract.ts";

/** As long as the real ones. */
const TOKEN_LIFE_S = 7200;

/** The app: who may make calls for it, and the files that it has. */
export interface App {
  readonly key: string;
  secret: string;
  readonly tokens: Set<string>;
  /** Files that came with messages, by their download code. */
  readonly files: Map<string, { bytes: Uint8Array; mediaType: string }>;
  /** Files that were uploaded, by their media id. */
  readonly uploads: Map<string, File>;
}

type AppRoute = Extract<Route, "token" | "connection" | "file" | "bytes" | "upload">;

/** Answers what is asked for the app itself; `ticket` makes one for a connection. */
export function appHandlers(
  app: App,
  ticket: () => string,
  { endpoint: elsewhere }: FakeDingTalkOptions,
): Record<AppRoute, Handler> {
  return {
    token({ json }) {
      if (json["appKey"] !== app.key || json["appSecret"] !== app.secret)
        throw new ApiError(400, "invalidClientIdOrSecret");
      const accessToken = randomUUID().replaceAll("-", "");
      app.tokens.add(accessToken);
      return { accessToken, expireIn: TOKEN_LIFE_S };
    },
    connection({ json, headers, origin }) {
      if (json["clientId"] !== app.key || json["clientSecret"] !== app.secret)
        throw new ApiError(401, "authFailed");
      const endpoint = elsewhere ?? `${origin.replace(/^http/, "ws")}/connect`;
      const given = { endpoint, ticket: ticket() };
      // Whoever does not ask for JSON gets XML.
      if (headers["accept"] !== "application/json")
        return new Response(`<OpenConnectionResponse>${given.ticket}</OpenConnectionResponse>`);
      return given;
    },
    file({ json, origin }) {
      const code = String(json["downloadCode"]);
      if (!app.files.has(code)) throw new ApiError(400, "invalidParameter.downloadCode.invalid");
      return { downloadUrl: `${origin}/files/${encodeURIComponent(code)}` };
    },
    bytes: ({ path }) => bytesOf(app, decodeURIComponent(path.replace("/files/", ""))),
    upload: (call) => upload(app, call),
  };
}

function bytesOf({ files }: App, code: string): Response {
  const found = files.get(code);
  if (found === undefined) return new Response("gone", { status: 404 });
  return new Response(found.bytes as Uint8Array<ArrayBuffer>, {
    headers: { "content-type": found.mediaType },
  });
}

function upload({ uploads }: App, { form, query }: Call): object {
  const media = form?.get("media");
  if (!(media instanceof File) || !["image", "file"].includes(query["type"] ?? ""))
    throw new OlderError(40004, "不合法的媒体文件类型");
  const id = `@lADP${randomUUID()}`;
  uploads.set(id, media);
  return { errcode: 0, errmsg: "ok", media_id: id, type: query["type"], created_at: Date.now() };
}
