import type { AccountSettings } from "../contract.ts";

/** Whether an account is an AI bot with a long connection, rather than an application that WeCom calls. */
export function isBot({ mode, bot_id }: AccountSettings<"wecom">): boolean {
  return (mode ?? (bot_id === undefined ? "webhook" : "websocket")) === "websocket";
}
