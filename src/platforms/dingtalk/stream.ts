import { AppError } from "../../lib/errors.ts";
import { parseJson } from "../../lib/json.ts";
import { orAborted, within } from "../../lib/waiting.ts";
import { type ConnectionHooks, PlatformError } from "../contract.ts";
import type { DingTalkApi } from "./api.ts";
import { answerTo, type Frame, ROBOT_TOPIC, readFrame } from "./frames.ts";
import type { Intake } from "./intake.ts";
import { type Link, openLink } from "./link.ts";
import type { Timing } from "./timing.ts";

const TAKEN = JSON.stringify({ response: null });
const EVENT_TAKEN = JSON.stringify({ status: "SUCCESS" });

/** What one connection works with. */
export interface StreamParts {
  api: DingTalkApi;
  intake: Intake;
  timing: Timing;
}

/** Hooks of one connection. */
export type StreamHooks = Omit<ConnectionHooks, "connected"> & { connected(): void };

/**
 * Holds one connection of DingTalk's Stream mode (https://open.dingtalk.com/document/development/stream). Resolves when DingTalk
 * asks for another one, and when the signal aborts; rejects with `unavailable` when the connection ends in any other way or
 * cannot be made, with `unauthorized` when DingTalk does not take the app. No more than one connection is ever open, and each
 * has a ticket of its own.
 */
export async function receiveByStream(
  { api, intake, timing }: StreamParts,
  hooks: StreamHooks,
  signal: AbortSignal,
): Promise<void> {
  const renewal = Promise.withResolvers<void>();
  const taking = new Set<Promise<void>>();
  const onText = (text: string, link: Link) => {
    const frame = readFrame(text);
    if (frame === null) hooks.log("debug", "a frame of DingTalk could not be read");
    else if (frame.type === "SYSTEM") answerSystem(frame, link, renewal.resolve);
    else {
      const taken = take(frame, link, intake, hooks).finally(() => taking.delete(taken));
      taking.add(taken);
    }
  };
  const url = await api.openConnection(signal);
  const link = await openLink({ url, timing, onText, onHeard: hooks.alive, signal });
  try {
    hooks.connected();
    hooks.alive();
    const broken = link.ended.then(() => {
      throw new PlatformError("unavailable", "The connection to DingTalk ended.");
    });
    await orAborted(Promise.race([renewal.promise, broken]), signal);
    await drain(taking, timing);
  } catch (error) {
    if (!signal.aborted) throw error;
    await drain(taking, timing);
  } finally {
    await link.close();
  }
}

function answerSystem(frame: Frame, link: Link, renew: () => void): void {
  if (frame.topic === "ping") link.send(answerTo(frame, frame.data));
  else if (frame.topic === "disconnect") renew();
}

/** What is being taken may still be acknowledged. */
async function drain(taking: ReadonlySet<Promise<void>>, { closeMs }: Timing): Promise<void> {
  await within(Promise.allSettled(taking), closeMs);
}

/** Acknowledges a frame once what it says is on disk. Without that DingTalk sends it again after a minute. */
async function take(frame: Frame, link: Link, intake: Intake, hooks: StreamHooks): Promise<void> {
  if (frame.type === "EVENT") return link.send(answerTo(frame, EVENT_TAKEN));
  try {
    if (frame.topic === ROBOT_TOPIC) await intake(bodyOf(frame, hooks.log), hooks);
    else hooks.log("debug", "a frame that nobody asked for", { topic: frame.topic });
    link.send(answerTo(frame, TAKEN));
  } catch (error) {
    hooks.log("warn", "a message could not be taken; DingTalk sends it again", {
      frame: frame.messageId,
      reason: error instanceof Error ? error.message : String(error),
    });
  }
}

/** What cannot be read now will not be readable later either, and says nothing. */
function bodyOf({ data, messageId }: Frame, log: ConnectionHooks["log"]): unknown {
  try {
    return parseJson(new TextEncoder().encode(data));
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    log("warn", "a message of DingTalk could not be read", { frame: messageId, reason: error.message });
    return null;
  }
}
