import type { StoredFile } from "./contract.ts";
import type { SocketData } from "./envelopes.ts";
import { METHODS } from "./methods.ts";
import type { SocketMode } from "./socket-mode.ts";
import type { WebApi } from "./web-api.ts";
import type { Workspace } from "./workspace.ts";

const SIGN_IN = "<!DOCTYPE html><title>Sign in to Slack</title>";

/** What answers at the addresses of Slack. */
export interface ServerParts {
  workspace: Workspace;
  socketMode: SocketMode;
  webApi: WebApi;
  botToken: string;
}

/** `slack.com/api`, the files and the connections of Slack on one port of 127.0.0.1. */
export function serveSlack({ workspace, socketMode, webApi, botToken }: ServerParts) {
  return Bun.serve<SocketData>({
    hostname: "127.0.0.1",
    port: 0,
    idleTimeout: 0,
    websocket: socketMode.websocket,
    async fetch(request, server) {
      const { pathname } = new URL(request.url);
      const [, place, name = "", id = ""] = pathname.split("/");
      if (place === "link") return socketMode.upgrade(request, server);
      if (place === "api") return webApi.answer(name, request);
      if (place === "upload") return upload(request, workspace.files.get(id));
      if (place === "files") return download(request, workspace.files.get(name), botToken);
      if (place === "signin") return new Response(SIGN_IN, { headers: { "content-type": "text/html" } });
      return new Response("not found", { status: 404 });
    },
  });
}

/** True for a method that the fake has. */
export function isMethod(name: string): boolean {
  return Object.hasOwn(METHODS, name);
}

/** The bytes come as they are, or as the file of a form. */
async function upload(request: Request, file: StoredFile | undefined): Promise<Response> {
  if (request.method !== "POST" || file === undefined) return new Response("no such upload", { status: 404 });
  const type = request.headers.get("content-type") ?? "";
  const isForm = type.startsWith("multipart/form-data");
  const [part] = isForm ? [...(await request.formData()).values()] : [await request.blob()];
  if (!(part instanceof Blob)) return new Response("no file", { status: 400 });
  file.mimetype = part.type;
  file.bytes = await part.bytes();
  return new Response(`OK - ${file.bytes.length}`);
}

/** Without the token, or without its scope, Slack leads to a page to sign in at. */
function download(request: Request, file: StoredFile | undefined, botToken: string): Response {
  if (file === undefined) return new Response("not found", { status: 404 });
  if (request.headers.get("authorization") !== `Bearer ${botToken}`)
    return new Response(null, { status: 302, headers: { location: "/signin" } });
  if (file.answer !== undefined) return file.answer(request);
  return new Response(file.bytes as Uint8Array<ArrayBuffer>, { headers: { "content-type": file.mimetype } });
}
