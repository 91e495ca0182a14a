import type { BotIdentity } from "../contract.ts";
import { isSnowflake } from "./snowflakes.ts";

/** A session with the gateway, which can be resumed for some minutes after its connection broke. */
export interface Session {
  id: string;
  resumeUrl: string;
  /** The last event that came. Discord sends again what comes after it. */
  sequence: number;
  bot: BotIdentity;
}

/** What is kept over restarts. */
export interface DiscordState {
  /** Null: there is none, or it cannot bring back all that is not stored yet. */
  session: Session | null;
  /** The last message of each channel that is stored, the channel that was silent for the longest first. */
  channels: [channel: string, message: string][];
}

/** The state as it was saved; whatever has another form counts as not there. */
export function readState(saved: unknown): DiscordState {
  const { session, channels } = fieldsOf(saved);
  return {
    session: readSession(session),
    channels: Array.isArray(channels) ? channels.filter(isChannel) : [],
  };
}

function readSession(saved: unknown): Session | null {
  const { id, resumeUrl, sequence, bot } = fieldsOf(saved);
  const { id: botId, name } = fieldsOf(bot);
  if (typeof id !== "string" || typeof resumeUrl !== "string" || !/^wss?:\/\/./.test(resumeUrl)) return null;
  if (!Number.isSafeInteger(sequence) || typeof botId !== "string" || typeof name !== "string") return null;
  return { id, resumeUrl, sequence: Number(sequence), bot: { id: botId, name } };
}

function isChannel(saved: unknown): saved is [string, string] {
  return Array.isArray(saved) && saved.length === 2 && saved.every(isSnowflake);
}

function fieldsOf(value: unknown): Record<string, unknown> {
  return value !== null && typeof value === "object" ? (value as Record<string, unknown>) : {};
}
