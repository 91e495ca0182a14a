import type { TObject } from "typebox";
import type { PlatformId } from "../platforms/contract.ts";
import type { Scope } from "../tools/contract.ts";
import {
  ApprovalBody,
  ApprovalParams,
  ChatBody,
  DeliveriesQuery,
  DeliveryParams,
  ExecuteBody,
  MemoryBody,
  MemoryKeyQuery,
  MemoryQuery,
  MessagesQuery,
  OwnerQuery,
  ReplayBody,
  RunParams,
  SessionParams,
  SessionsQuery,
} from "./schemas.ts";

export type Method = "GET" | "POST" | "DELETE";

/** One route as it is promised: the guard, the OpenAPI document and the security tests are all made from it. */
export interface Route {
  method: Method;
  /** Below the base path for those with a scope, as it stands for the public ones. */
  path: string;
  /**
   * What a key must be allowed to do: `any` valid key will do for `any`, `public` needs none at all. `platform`: no key, but
   * a secret or a signature that the platform checks. `event`: the same, checked by the route of the configuration.
   */
  scope: Scope | "any" | "public" | "platform" | "event";
  /** Whose servers call it, with the scope `platform`. */
  platform?: PlatformId;
  summary: string;
  /** Which chapter of the document it belongs to. */
  tag: string;
  params?: TObject;
  query?: TObject;
  body?: TObject;
  /** How errors are told; a problem document when absent. */
  errors?: "json-rpc";
  /** The public page that a browser gets here instead. */
  page?: Route;
}

const checked = <const Routes extends Record<string, Route>>(routes: Routes): Routes => routes;

/** Every route there is. What is not in this table is answered with 404, whatever the router knows. */
export const ROUTES = checked({
  chat: {
    method: "POST",
    path: "/chat",
    scope: "chat",
    tag: "Chat",
    summary: "Say something and get the answer, whole or as a stream",
    body: ChatBody,
  },
  execute: {
    method: "POST",
    path: "/execute",
    scope: "tools",
    tag: "Chat",
    summary: "Run a task with tools",
    body: ExecuteBody,
  },
  run: {
    method: "GET",
    path: "/runs/:run_id",
    scope: "read",
    tag: "Runs",
    summary: "How a run stands",
    params: RunParams,
  },
  runEvents: {
    method: "GET",
    path: "/runs/:run_id/events",
    scope: "read",
    tag: "Runs",
    summary: "The events of a run, from its beginning or after Last-Event-ID",
    params: RunParams,
  },
  cancelRun: {
    method: "POST",
    path: "/runs/:run_id/cancel",
    scope: "chat",
    tag: "Runs",
    summary: "Cancel a run",
    params: RunParams,
  },
  decideApproval: {
    method: "POST",
    path: "/runs/:run_id/approvals/:approval_id",
    scope: "chat",
    tag: "Runs",
    summary: "Approve or deny what a call of a run asks for",
    params: ApprovalParams,
    body: ApprovalBody,
  },
  readMemory: {
    method: "GET",
    path: "/memory",
    scope: "read",
    tag: "Memory",
    summary: "Read one entry, or list or search them all",
    query: MemoryQuery,
  },
  writeMemory: {
    method: "POST",
    path: "/memory",
    scope: "chat",
    tag: "Memory",
    summary: "Write an entry",
    body: MemoryBody,
  },
  deleteMemory: {
    method: "DELETE",
    path: "/memory",
    scope: "chat",
    tag: "Memory",
    summary: "Delete an entry",
    query: MemoryKeyQuery,
  },
  sessions: {
    method: "GET",
    path: "/sessions",
    scope: "read",
    tag: "Sessions",
    summary: "List the sessions, newest first, or search the history",
    query: SessionsQuery,
  },
  sessionMessages: {
    method: "GET",
    path: "/sessions/:session_id/messages",
    scope: "read",
    tag: "Sessions",
    summary: "The messages of a session, oldest first",
    params: SessionParams,
    query: MessagesQuery,
  },
  deleteSession: {
    method: "DELETE",
    path: "/sessions/:session_id",
    scope: "chat",
    tag: "Sessions",
    summary: "Delete a session with its messages and runs",
    params: SessionParams,
    query: OwnerQuery,
  },
  deliveries: {
    method: "GET",
    path: "/deliveries",
    scope: "admin",
    tag: "Webhooks",
    summary: "List the webhooks that Hermes sends, newest first",
    query: DeliveriesQuery,
  },
  delivery: {
    method: "GET",
    path: "/deliveries/:delivery_id",
    scope: "admin",
    tag: "Webhooks",
    summary: "One webhook, with what was sent and what came back at each try",
    params: DeliveryParams,
  },
  replayDelivery: {
    method: "POST",
    path: "/deliveries/:delivery_id/replay",
    scope: "admin",
    tag: "Webhooks",
    summary: "Send one webhook again, under the same id",
    params: DeliveryParams,
  },
  replayDeliveries: {
    method: "POST",
    path: "/deliveries",
    scope: "admin",
    tag: "Webhooks",
    summary: "Send all webhooks of a time again that are sent or dead",
    body: ReplayBody,
  },
  status: {
    method: "GET",
    path: "/status",
    scope: "read",
    tag: "Service",
    summary: "What runs and how it is",
  },
  models: {
    method: "GET",
    path: "/models",
    scope: "read",
    tag: "Service",
    summary: "Which models can be asked for",
  },
  health: {
    method: "GET",
    path: "/health",
    scope: "public",
    tag: "Service",
    summary: "Whether the process lives",
  },
  ready: {
    method: "GET",
    path: "/ready",
    scope: "public",
    tag: "Service",
    summary: "Whether it can do its work",
  },
  docs: {
    method: "GET",
    path: "/swagger",
    scope: "public",
    tag: "Documentation",
    summary: "This API in Swagger UI",
  },
  docsDocument: {
    method: "GET",
    path: "/swagger/json",
    scope: "public",
    tag: "Documentation",
    summary: "The OpenAPI document",
  },
  docsScript: {
    method: "GET",
    path: "/swagger/swagger-ui-bundle.js",
    scope: "public",
    tag: "Documentation",
    summary: "Swagger UI",
  },
  docsStart: {
    method: "GET",
    path: "/swagger/start.js",
    scope: "public",
    tag: "Documentation",
    summary: "What starts Swagger UI",
  },
  docsStyle: {
    method: "GET",
    path: "/swagger/swagger-ui.css",
    scope: "public",
    tag: "Documentation",
    summary: "The style of Swagger UI",
  },
  docsIcon: {
    method: "GET",
    path: "/swagger/favicon-32x32.png",
    scope: "public",
    tag: "Documentation",
    summary: "The icon of the page",
  },
});

/** The path of a route as it is served. */
export function servedPath(route: Route, basePath: string): string {
  return route.scope === "public" ? route.path : `${basePath}${route.path}`;
}

/** A route and the path where it is served. */
export interface ServedRoute {
  route: Route;
  path: string;
}

/** The routes as they are served below the base path. */
export function servedRoutes(routes: Readonly<Record<string, Route>>, basePath: string): ServedRoute[] {
  return Object.values(routes).map((route) => ({ route, path: servedPath(route, basePath) }));
}
