import { type OutboundFile, type OutboundMessage, PlatformError, type Sent } from "../contract.ts";
import type { WeixinApi } from "../weixin-api.ts";
import { mediaKindOf, uploadMedia } from "../weixin-media.ts";
import type { Giving } from "./giving.ts";
import { pushMessage } from "./push.ts";
import { toWechatText } from "./render.ts";
import type { Timing } from "./timing.ts";

/** What sending works with. */
export interface SendingParts {
  api: WeixinApi;
  giving: Giving;
  timing: Timing;
}

/** Messages with files that were sent in part, so that a new try goes on where the last one stopped. */
const MAX_UNFINISHED = 100;

/** Gives the text of a message, and pushes its files after it. */
export function createSending({ api, giving, timing }: SendingParts) {
  /** How many steps of a message are done: its text, and each of its files. */
  const unfinished = new Map<string, number>();

  const pushFile = async (user: string, file: OutboundFile, signal: AbortSignal): Promise<void> => {
    const kind = mediaKindOf(file);
    if (kind === "file")
      throw new PlatformError("refused", `An account of WeChat can send pictures, not ${file.name}.`);
    if (!giving.takePush(user))
      throw new PlatformError("refused", `${file.name} cannot be sent before the person writes again.`);
    const id = await uploadMedia(api, kind, file, timing.transferMs, signal);
    const title = kind === "video" ? { title: file.name } : {};
    await pushMessage(api, user, { msgtype: kind, [kind]: { media_id: id, ...title } }, signal);
  };

  return async (message: OutboundMessage, signal: AbortSignal): Promise<Sent> => {
    const { address, markdown, files = [], idempotencyId } = message;
    const text = markdown.trim() === "" ? "" : toWechatText(markdown);
    if (text === "" && files.length === 0) throw new PlatformError("refused", "There is nothing to send.");
    const steps = [
      ...(text === "" ? [] : [() => giving.give(address.chat, { id: idempotencyId, text }, signal)]),
      ...files.map((file) => () => pushFile(address.chat, file, signal)),
    ];
    for (const [index, step] of steps.entries()) {
      if (index < (unfinished.get(idempotencyId) ?? 0)) continue;
      await step();
      remember(unfinished, idempotencyId, index + 1);
    }
    unfinished.delete(idempotencyId);
    // WeChat gives no id; it is needed for nothing, since no message can be changed.
    return { messageId: idempotencyId };
  };
}

function remember(unfinished: Map<string, number>, id: string, steps: number): void {
  unfinished.delete(id);
  unfinished.set(id, steps);
  const [oldest] = unfinished.keys();
  if (unfinished.size > MAX_UNFINISHED && oldest !== undefined) unfinished.delete(oldest);
}
