import { type OutboundFile, type OutboundMessage, PlatformError, type Sent } from "../contract.ts";
import { createInSteps } from "../in-steps.ts";
import type { WeixinApi } from "../weixin-api.ts";
import { mediaKindOf, uploadMedia } from "../weixin-media.ts";
import type { Giving } from "./giving.ts";
import type { Pushes } from "./pushes.ts";
import { toWechatText } from "./render.ts";
import type { Timing } from "./timing.ts";

/** What sending works with. */
export interface SendingParts {
  api: WeixinApi;
  giving: Giving;
  pushes: Pushes;
  timing: Timing;
}

/** Gives the text of a message, and pushes its files after it. */
export function createSending({ api, giving, pushes, timing }: SendingParts) {
  const inSteps = createInSteps<void>();

  const pushFile = async (user: string, file: OutboundFile, signal: AbortSignal): Promise<void> => {
    const kind = mediaKindOf(file);
    if (kind === "file")
      throw new PlatformError("refused", `An account of WeChat can send pictures, not ${file.name}.`);
    const refusal = () =>
      new PlatformError("refused", `${file.name} cannot be sent before the person writes again.`);
    if (pushes.left(user) === 0) throw refusal();
    const id = await uploadMedia(api, kind, file, timing.transferMs, signal);
    const title = kind === "video" ? { title: file.name } : {};
    const content = { msgtype: kind, [kind]: { media_id: id, ...title } };
    if (!(await pushes.send(user, content, signal))) throw refusal();
  };

  return async (message: OutboundMessage, signal: AbortSignal): Promise<Sent> => {
    const { address, markdown, files = [], idempotencyId } = message;
    const text = markdown.trim() === "" ? "" : toWechatText(markdown);
    if (text === "" && files.length === 0) throw new PlatformError("refused", "There is nothing to send.");
    await inSteps(idempotencyId, [
      ...(text === "" ? [] : [() => giving.give(address.chat, { id: idempotencyId, text }, signal)]),
      ...files.map((file) => () => pushFile(address.chat, file, signal)),
    ]);
    // WeChat gives no id; it is needed for nothing, since no message can be changed.
    return { messageId: idempotencyId };
  };
}
