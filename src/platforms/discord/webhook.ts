import { createPublicKey, type KeyObject, verify } from "node:crypto";
import { type APIInteraction, InteractionResponseType, InteractionType } from "@discordjs/core/http-only";
import { backoffMs } from "../../lib/backoff.ts";
import { parseJson } from "../../lib/json.ts";
import { sleep } from "../../lib/waiting.ts";
import {
  type ConnectionHooks,
  type PlatformAdapter,
  PlatformError,
  type WebhookAnswer,
  type WebhookRequest,
} from "../contract.ts";
import type { DiscordClient } from "./client.ts";
import { answerTo, parseInteraction } from "./interactions.ts";
import type { Timing } from "./timing.ts";

/** What stands before the 32 bytes of an Ed25519 key in its DER form (RFC 8410). */
const SPKI_PREFIX = Buffer.from("302a300506032b6570032100", "hex");
/** Discord signs the time of the call and leaves it to the receiver how old it may be. */
const MAX_AGE_MS = 5 * 60_000;

export interface WebhookOptions {
  client: DiscordClient;
  /** The public key of the application, in hex. */
  publicKey: string | undefined;
  timing: Timing;
}

/**
 * Takes commands and buttons that Discord sends as calls; it sends no messages this way.
 * https://discord.com/developers/docs/interactions/overview#configuring-an-interactions-endpoint-url
 */
export function createWebhook({ client, publicKey, timing }: WebhookOptions): {
  listen: NonNullable<PlatformAdapter["listen"]>;
  webhook: NonNullable<PlatformAdapter["webhook"]>;
} {
  const key = publicKeyOf(publicKey);
  if (key === null)
    throw new PlatformError("unauthorized", "platforms.discord.application_public_key is not a public key.", {
      hint: "Copy it from the developer portal: your application, General Information, Public Key.",
    });
  return {
    listen: (hooks, signal) => keepChecking(client, hooks, timing, signal),
    async webhook(request, hooks) {
      if (!isAuthentic(request, key)) return { status: 401 };
      hooks.alive();
      const interaction = interactionIn(request.body);
      if (interaction === null) return { status: 400 };
      if (interaction.type === InteractionType.Ping) return json({ type: InteractionResponseType.Pong });
      return await take(interaction, hooks);
    },
  };
}

/** The key from its 64 hex digits; null for anything else. */
function publicKeyOf(hex: string | undefined): KeyObject | null {
  if (hex === undefined || !/^[0-9a-f]{64}$/i.test(hex)) return null;
  const der = Buffer.concat([SPKI_PREFIX, Buffer.from(hex, "hex")]);
  return createPublicKey({ key: der, format: "der", type: "spki" });
}

/** True when Discord has signed the time and the body, and the time is about now. */
function isAuthentic({ method, headers, body, receivedAtMs }: WebhookRequest, key: KeyObject): boolean {
  const signature = headers["x-signature-ed25519"] ?? "";
  const timestamp = headers["x-signature-timestamp"] ?? "";
  if (method !== "POST" || !/^[0-9a-f]{128}$/i.test(signature) || !/^\d{1,12}$/.test(timestamp)) return false;
  if (Math.abs(receivedAtMs - Number(timestamp) * 1000) > MAX_AGE_MS) return false;
  const signed = Buffer.concat([Buffer.from(timestamp), body]);
  return verify(null, signed, key, Buffer.from(signature, "hex"));
}

function interactionIn(body: Uint8Array): APIInteraction | null {
  try {
    const parsed = parseJson(body) as Partial<APIInteraction> | null;
    return typeof parsed?.type === "number" ? (parsed as APIInteraction) : null;
  } catch {
    return null; // told to the caller as 400
  }
}

/** Discord calls once and waits for 3 s: what could not be kept, its user is told to have failed. */
async function take(interaction: APIInteraction, hooks: ConnectionHooks): Promise<WebhookAnswer> {
  const message = parseInteraction(interaction);
  if (message === null) return { status: 400 };
  try {
    await hooks.emit(message);
  } catch (error) {
    hooks.log("warn", "an interaction could not be kept", { interaction: message.id, error });
    return { status: 503 };
  }
  return json(answerTo(interaction));
}

function json(value: object): WebhookAnswer {
  return { status: 200, contentType: "application/json", body: JSON.stringify(value) };
}

/** Asks from time to time who the bot is, which shows that the token holds. Rejects with `unauthorized` when it does not. */
async function keepChecking(
  client: DiscordClient,
  hooks: ConnectionHooks,
  timing: Timing,
  signal: AbortSignal,
): Promise<void> {
  for (let failures = 0; !signal.aborted; ) {
    let pauseMs = timing.checkEveryMs;
    try {
      const { id, username } = await client.call(
        (api, ended) => api.users.getCurrent({ signal: ended }),
        signal,
      );
      hooks.connected({ id, name: username });
      failures = 0;
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof PlatformError && error.kind === "unauthorized") throw error;
      hooks.reconnecting(error instanceof Error ? error.message : "it failed");
      pauseMs = backoffMs(failures++, timing.reconnect);
    }
    await sleep(pauseMs, signal);
  }
}
