import type { Chats } from "./chats.ts";
import { ApiError, type Shown } from "./contract.ts";

export const CARD_TEMPLATE_ID = "8aebdfb9-28f4-4a98-98f5-396c3dde41a0.schema";
/** The variables of the template. */
const VARIABLES: ReadonlySet<string> = new Set(["content", "title"]);

type Json = Record<string, unknown>;

/** AI cards: made once, written to by their `outTrackId`, ended by their last text. */
export function createCards(chats: Chats, conversationOf: (staffId: string) => string) {
  const cards = new Map<string, Shown & { callbackType: unknown }>();
  const cardOf = (json: Json) => {
    const card = cards.get(String(json["outTrackId"]));
    if (card === undefined) throw new ApiError(400, "param.outTrackIdNotExist");
    return card;
  };
  return {
    create(json: Json): object {
      const outTrackId = String(json["outTrackId"] ?? "");
      if (outTrackId === "") throw new ApiError(400, "param.outTrackIdEmpty");
      if (json["cardTemplateId"] !== CARD_TEMPLATE_ID)
        throw new ApiError(400, "param.cardTemplateIdNotExist");
      // What is answered to a second card of this name is a guess.
      if (cards.has(outTrackId)) throw new ApiError(400, "param.outTrackIdExist");
      const parameters = (json["cardData"] as { cardParamMap?: Json } | undefined)?.cardParamMap ?? {};
      if (!Object.values(parameters).every((value) => typeof value === "string"))
        throw new ApiError(400, "param.cardDataInvalid");
      const [, type, id] =
        /^dtv1\.card\/\/(IM_GROUP|IM_ROBOT)\.(.+)$/.exec(String(json["openSpaceId"])) ?? [];
      const model = type === "IM_GROUP" ? json["imGroupOpenDeliverModel"] : json["imRobotOpenDeliverModel"];
      if (id === undefined || model === undefined || json["userIdType"] !== 1)
        throw new ApiError(400, "param.openSpaceModelInvalid");
      const text = String(parameters["content"] ?? "");
      const conversationId = type === "IM_GROUP" ? id : conversationOf(id);
      const shown = chats.add({ conversationId, via: "card", kind: "card", text, title: "", request: json });
      const card = Object.assign(shown, { callbackType: json["callbackType"], outTrackId, isFinal: false });
      cards.set(outTrackId, card);
      const delivered = { spaceType: type, spaceId: id, success: true, carrierId: shown.key };
      return { success: true, result: { outTrackId, deliverResults: [delivered] } };
    },
    /** `PUT /v1.0/card/streaming` */
    stream(json: Json): object {
      const card = cardOf(json);
      // As others have seen it: both are told with 500.
      if (!VARIABLES.has(String(json["key"])) || card.callbackType !== "STREAM")
        throw new ApiError(500, "unknownError");
      // Whether a card that has ended can be streamed to again is not known: this is the stricter guess.
      if (card.isFinal) throw new ApiError(400, "param.cardStatusInvalid");
      if (typeof json["guid"] !== "string" || typeof json["content"] !== "string")
        throw new ApiError(400, "param.empty");
      card.earlier.push(card.text);
      card.text = json["isFull"] === true ? json["content"] : card.text + json["content"];
      card.isFinal = json["isFinalize"] === true;
      return { success: true, result: true };
    },
    /** `PUT /v1.0/card/instances` */
    update(json: Json): object {
      const card = cardOf(json);
      const parameters = (json["cardData"] as { cardParamMap?: Json } | undefined)?.cardParamMap ?? {};
      card.earlier.push(card.text);
      card.text = String(parameters["content"] ?? card.text);
      return { success: true, result: true };
    },
  };
}
