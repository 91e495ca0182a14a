import type { AccountSettings, ConnectionHooks, PlatformAdapter } from "../contract.ts";
import { createApi } from "./api.ts";
import { createCards } from "./cards.ts";
import { createConversations } from "./conversations.ts";
import { createEditing } from "./edit.ts";
import { fetchFile } from "./fetch-file.ts";
import { createIntake } from "./intake.ts";
import { listen } from "./listen.ts";
import { createRobot } from "./robot.ts";
import { createSend } from "./send.ts";
import { createReact } from "./signs.ts";
import { TIMING, type Timing } from "./timing.ts";
import { createWebhook } from "./webhook.ts";

/** Makes the adapter of an account. Throws `unauthorized` where a key is missing without which it can do nothing. */
export function createAdapter(
  account: AccountSettings<"dingtalk">,
  timing: Timing = TIMING,
): PlatformAdapter {
  const api = createApi(account, timing);
  const conversations = createConversations(api.isTheirs);
  const intake = createIntake(conversations, api.isTheirs);
  const robot = createRobot(api, conversations);
  let connection: ConnectionHooks | null = null;
  const log: ConnectionHooks["log"] = (...entry) => connection?.log(...entry);
  const send = createSend({ api, conversations, robot, log });
  const isByConnection = account.mode === "websocket";

  const { card_template_id: templateId, card_content_key: contentKey } = account;
  const cards =
    templateId === undefined
      ? null
      : createCards({ api, robot, templateId, contentKey, pauseMs: timing.cardPauseMs, log });

  return {
    async listen(hooks, signal) {
      connection = hooks;
      conversations.restore(hooks.state);
      await listen({ api, intake, timing, isByConnection }, hooks, signal);
    },
    ...(isByConnection ? {} : { webhook: createWebhook(account, intake) }),
    async send(message, signal) {
      if (message.isPartial && cards !== null) return cards.start(message, signal);
      const resumed = message.mayBeThere ? await cards?.resume(message, signal) : null;
      return resumed ?? send(message, signal);
    },
    ...(cards === null ? {} : createEditing(cards, robot)),
    react: createReact(api, conversations, robot),
    fetchFile: (file, maxBytes, signal) => fetchFile(api, file, maxBytes, signal),
  };
}
