import { randomUUID } from "node:crypto";
import { type Fields, fieldsOf, objectsOf, textOf } from "../fields.ts";
import type { DingTalkApi } from "./api.ts";
import { DingTalkError } from "./errors.ts";
import type { Robot } from "./robot.ts";

/** What DingTalk answers for a template that has no such variable, or is no AI card. */
const NO_SUCH_VARIABLE = "unknownError";
/** The second try of a card that DingTalk has already. */
const IS_THERE = /duplicat|(?<!not)exist/i;

/** What is to be done when cards do not work. */
export const CARD_HINT =
  "Check card_template_id and card_content_key against open-dev.dingtalk.com/fe/card, and that the app has the permissions Card.Instance.Write and Card.Streaming.Write (权限管理).";

/** The kind of cards that an account makes. */
export interface CardModel {
  api: DingTalkApi;
  robot: Robot;
  templateId: string;
  /** The variable of the template that shows the answer. */
  contentKey: string;
}

/**
 * Makes an empty card in a chat (https://open.dingtalk.com/document/development/create-and-deliver-cards). Resolves with the key
 * by which it can be recalled. A second try with the same `outTrackId` makes no second card.
 */
export async function createCard(
  { api, robot, templateId, contentKey }: CardModel,
  outTrackId: string,
  chat: string,
  signal: AbortSignal,
): Promise<string> {
  const json = {
    cardTemplateId: templateId,
    outTrackId,
    cardData: { cardParamMap: { [contentKey]: "" } },
    callbackType: "STREAM",
    imGroupOpenSpaceModel: { supportForward: true },
    imRobotOpenSpaceModel: { supportForward: true },
    userIdType: 1,
    ...spaceOf(chat, robot, api.robotCode),
  };
  const path = "v1.0/card/instances/createAndDeliver";
  return keyOfDelivery(await api.call("POST", path, json, "the card", signal).catch(unlessThere));
}

/**
 * Shows a text in a card in place of the one before (https://open.dingtalk.com/document/development/api-streamingupdate); the
 * last one ends its growing.
 */
export async function writeToCard(
  { api, contentKey }: CardModel,
  outTrackId: string,
  content: string,
  isLast: boolean,
  signal: AbortSignal,
): Promise<void> {
  const update = { outTrackId, guid: randomUUID(), key: contentKey, content, isFull: true };
  const json = { ...update, isFinalize: isLast, isError: false };
  await api.call("PUT", "v1.0/card/streaming", json, "the card", signal).catch((error: unknown) => {
    if (!(error instanceof DingTalkError) || error.code !== NO_SUCH_VARIABLE) throw error;
    const message = "DingTalk cannot write to the card: its template has no such variable.";
    throw new DingTalkError("refused", message, error.code, { hint: CARD_HINT });
  });
}

/** The same for a card that grows no more. */
export async function replaceInCard(
  { api, contentKey }: CardModel,
  outTrackId: string,
  content: string,
  signal: AbortSignal,
): Promise<void> {
  const cardData = { cardParamMap: { [contentKey]: content } };
  const json = { outTrackId, cardData, cardUpdateOptions: { updateCardDataByKey: true } };
  await api.call("PUT", "v1.0/card/instances", json, "the card", signal);
}

function unlessThere(error: unknown): Fields {
  if (error instanceof DingTalkError && error.kind === "refused" && IS_THERE.test(error.code)) return {};
  throw error;
}

function spaceOf(chat: string, robot: Robot, robotCode: string): object {
  const target = robot.targetOf(chat);
  if ("group" in target)
    return { openSpaceId: `dtv1.card//IM_GROUP.${target.group}`, imGroupOpenDeliverModel: { robotCode } };
  const imRobotOpenDeliverModel = { spaceType: "IM_ROBOT", robotCode };
  return { openSpaceId: `dtv1.card//IM_ROBOT.${target.person}`, imRobotOpenDeliverModel };
}

/** Throws `refused` for a card that was made and reached nobody. */
function keyOfDelivery(answer: Fields): string {
  const deliveries = objectsOf(fieldsOf(answer["result"])["deliverResults"]);
  if (deliveries.some(({ success }) => success === false))
    throw new DingTalkError("refused", "DingTalk made the card and could not deliver it.", "notDelivered");
  return textOf(deliveries[0]?.["carrierId"]);
}
