import type { AccountSettings } from "../contract.ts";

/** Whether an account receives over Socket Mode, rather than by calls to its webhook. */
export function usesSocketMode({ mode, app_token }: AccountSettings<"slack">): boolean {
  return (mode ?? (app_token === undefined ? "webhook" : "websocket")) === "websocket";
}
