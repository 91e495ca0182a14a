import { randomUUID } from "node:crypto";
import { type ConnectionHooks, type OutboundMessage, PlatformError, type Sent } from "../contract.ts";
import { fieldsOf, objectsOf, textOf } from "../fields.ts";
import type { DingTalkApi } from "./api.ts";
import { DingTalkError } from "./errors.ts";
import { toDingTalk } from "./render.ts";
import type { Robot } from "./robot.ts";
import { cardId } from "./sent.ts";

/** What DingTalk answers for a template that has no such variable, or is no AI card. */
const NO_SUCH_VARIABLE = "unknownError";
/** The second try of a card that DingTalk has already. */
const IS_THERE = /duplicat|exist/i;
const CARD_HINT =
  "Check card_template_id and card_content_key against open-dev.dingtalk.com/fe/card, and that the app has the permissions Card.Instance.Write and Card.Streaming.Write (权限管理).";

/** What cards are made of. */
export interface CardParts {
  api: DingTalkApi;
  robot: Robot;
  templateId: string;
  /** The variable of the template that shows the answer. */
  contentKey: string;
  pauseMs: number;
  log: ConnectionHooks["log"];
  now?: () => number;
}

/** Answers that grow: AI cards, the only messages of DingTalk that can be changed. */
export interface Cards {
  /** Rejects with `refused` where there can be no card, and then for a while without asking: the answer is sent whole at its end. */
  start(message: OutboundMessage, signal: AbortSignal): Promise<Sent>;
  /** Shows the text in place of the one before, for the last time unless more will come. */
  show(outTrackId: string, message: OutboundMessage, signal: AbortSignal): Promise<void>;
  /** Leaves the card as one that no longer grows. */
  end(outTrackId: string, signal: AbortSignal): Promise<void>;
}

/** https://open.dingtalk.com/document/development/create-and-deliver-cards and .../api-streamingupdate. */
export function createCards(parts: CardParts): Cards {
  const { api, templateId, contentKey, log, now = () => performance.now() } = parts;
  let pausedUntilMs = Number.NEGATIVE_INFINITY;

  const write = (outTrackId: string, content: string, isFinalize: boolean, signal: AbortSignal) => {
    const update = { outTrackId, guid: randomUUID(), key: contentKey, content, isFull: true };
    const json = { ...update, isFinalize, isError: false };
    return api.call("PUT", "v1.0/card/streaming", json, "the card", signal).catch(withReason);
  };
  /** For a card that has ended already. */
  const replace = (outTrackId: string, content: string, signal: AbortSignal) => {
    const cardData = { cardParamMap: { [contentKey]: content } };
    const json = { outTrackId, cardData, cardUpdateOptions: { updateCardDataByKey: true } };
    return api.call("PUT", "v1.0/card/instances", json, "the card", signal);
  };
  const create = async (outTrackId: string, chat: string, signal: AbortSignal): Promise<string> => {
    const json = {
      cardTemplateId: templateId,
      outTrackId,
      cardData: { cardParamMap: { [contentKey]: "" } },
      callbackType: "STREAM",
      imGroupOpenSpaceModel: { supportForward: true },
      imRobotOpenSpaceModel: { supportForward: true },
      userIdType: 1,
      ...spaceOf(chat, parts),
    };
    const path = "v1.0/card/instances/createAndDeliver";
    const answer = await api.call("POST", path, json, "the card", signal).catch((error: unknown) => {
      if (error instanceof DingTalkError && error.kind === "refused" && IS_THERE.test(error.code)) return {};
      throw error;
    });
    return keyOfDelivery(answer);
  };

  return {
    async start({ address, markdown, idempotencyId }, signal) {
      if (now() < pausedUntilMs) throw new PlatformError("refused", "AI cards do not work for now.");
      const outTrackId = `hermes_${idempotencyId.replaceAll(":", "_")}`;
      try {
        const recallKey = await create(outTrackId, address.chat, signal);
        await write(outTrackId, toDingTalk(markdown), false, signal);
        return cardId(outTrackId, recallKey);
      } catch (error) {
        if (!(error instanceof DingTalkError) || !isLasting(error)) throw error;
        pausedUntilMs = now() + parts.pauseMs;
        const { message, hint = CARD_HINT } = error;
        log("warn", "AI cards do not work: answers are sent whole for now", { reason: message, hint });
        throw new PlatformError("refused", message, { hint, cause: error });
      }
    },
    async show(outTrackId, { markdown, isPartial = false }, signal) {
      const content = toDingTalk(markdown);
      try {
        await write(outTrackId, content, !isPartial, signal);
      } catch (error) {
        if (isPartial || !(error instanceof PlatformError) || error.kind !== "refused") throw error;
        await replace(outTrackId, content, signal);
      }
    },
    async end(outTrackId, signal) {
      await write(outTrackId, "…", true, signal);
    },
  };
}

/** Failures that another try would not change. */
function isLasting({ kind }: DingTalkError): boolean {
  return kind === "refused" || kind === "unauthorized";
}

function withReason(error: unknown): never {
  if (!(error instanceof DingTalkError) || error.code !== NO_SUCH_VARIABLE) throw error;
  const message = "DingTalk cannot write to the card: its template has no such variable.";
  throw new DingTalkError("refused", message, error.code, { hint: CARD_HINT });
}

function spaceOf(chat: string, { api: { robotCode }, robot }: CardParts): object {
  const target = robot.targetOf(chat);
  if ("group" in target)
    return { openSpaceId: `dtv1.card//IM_GROUP.${target.group}`, imGroupOpenDeliverModel: { robotCode } };
  const imRobotOpenDeliverModel = { spaceType: "IM_ROBOT", robotCode };
  return { openSpaceId: `dtv1.card//IM_ROBOT.${target.person}`, imRobotOpenDeliverModel };
}

/** The key by which the card can be recalled. Throws `refused` for a card that was made and reached nobody. */
function keyOfDelivery(answer: Readonly<Record<string, unknown>>): string {
  const deliveries = objectsOf(fieldsOf(answer["result"])["deliverResults"]);
  if (deliveries.some(({ success }) => success === false))
    throw new DingTalkError("refused", "DingTalk made the card and could not deliver it.", "notDelivered");
  return textOf(deliveries[0]?.["carrierId"]);
}
