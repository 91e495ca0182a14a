import {
  type AccountSettings,
  type ChatAddress,
  type OutboundFile,
  type OutboundMessage,
  PlatformError,
  type Sent,
} from "../../contract.ts";
import { type Fields, textOf } from "../../fields.ts";
import { createInSteps } from "../../in-steps.ts";
import type { WeixinApi } from "../../weixin-api.ts";
import { WeixinError } from "../../weixin-error.ts";
import { mediaKindOf, uploadMedia } from "../../weixin-media.ts";
import { areRefused, buttonCard } from "../card.ts";
import { meaningOf } from "../errors.ts";
import { toAppContent } from "../render.ts";
import type { Timing } from "../timing.ts";

/** The longest time in which WeCom looks for the same message, and the shortest that is used here. */
const MAX_DUPLICATE_S = 14_400;
const MIN_DUPLICATE_S = 1800;
/** None of those that a message is for may get it. */
const NOBODY_REACHED = 81013;

/** What sending works with. */
export interface AppSendingParts {
  account: AccountSettings<"wecom">;
  api: WeixinApi;
  timing: Timing;
}

/**
 * Sends to one person at a time (https://developer.work.weixin.qq.com/document/path/90236): the text first, then its buttons, and
 * each file as a message of its own.
 */
export function createAppSending({ account, api, timing }: AppSendingParts) {
  const inSteps = createInSteps<Sent>();

  const post = async (message: OutboundMessage, content: Fields, signal: AbortSignal): Promise<Sent> => {
    const json = {
      touser: personIn(message.address),
      agentid: Number(account.agent_id),
      ...content,
      enable_duplicate_check: 1,
      duplicate_check_interval: duplicateIntervalOf(message),
    };
    const answer = await api.call({ path: "message/send", json }, signal);
    refuseInvalid(answer);
    return { messageId: textOf(answer["msgid"]) };
  };
  const postButtons = async (message: OutboundMessage, signal: AbortSignal): Promise<Sent> => {
    try {
      return await post(message, buttonCard(message), signal);
    } catch (error) {
      if (!areRefused(error)) throw error;
      return { messageId: "" };
    }
  };
  const postFile = async (message: OutboundMessage, file: OutboundFile, signal: AbortSignal) => {
    const kind = mediaKindOf(file);
    const id = await uploadMedia(api, kind, file, timing.transferMs, signal);
    const title = kind === "video" ? { title: file.name } : {};
    return post(message, { msgtype: kind, [kind]: { media_id: id, ...title } }, signal);
  };

  return async (message: OutboundMessage, signal: AbortSignal): Promise<Sent> => {
    const { markdown, buttons = [], files = [], idempotencyId } = message;
    const hasText = markdown.trim() !== "";
    const [sent] = await inSteps(idempotencyId, [
      ...(hasText ? [() => post(message, toAppContent(markdown), signal)] : []),
      ...(buttons.length === 0 ? [] : [() => postButtons(message, signal)]),
      ...files.map((file) => () => postFile(message, file, signal)),
    ]);
    if (sent === undefined) throw new PlatformError("refused", "There is nothing to send.");
    return sent;
  };
}

/** One person: neither `@all`, which is everybody, nor several. */
function personIn({ chat }: ChatAddress): string {
  if (/^[^@|\s][^|\s]*$/.test(chat)) return chat;
  throw new PlatformError("refused", "An application writes to one person at a time, by the user id.");
}

/**
 * WeCom drops a request that is the same as an earlier one within this time. So a part that is sent again, because nobody heard
 * whether it arrived, is shown once. Two parts that say the same are different requests all the same, since the time itself is a
 * part of the request, and each message has its own.
 */
function duplicateIntervalOf({ idempotencyId }: OutboundMessage): number {
  return MIN_DUPLICATE_S + (Bun.hash.xxHash32(idempotencyId) % (MAX_DUPLICATE_S - MIN_DUPLICATE_S));
}

/** To one person, a call that worked for others has worked for nobody. */
function refuseInvalid(answer: Fields): void {
  if (textOf(answer["invaliduser"]) !== "")
    throw new WeixinError(NOBODY_REACHED, meaningOf(NOBODY_REACHED, "message/send"));
  if (textOf(answer["unlicenseduser"]) !== "")
    throw new PlatformError("refused", "This person has no licence for the API (接口许可).");
}
