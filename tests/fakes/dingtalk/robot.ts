import type { Chats } from "./chats.ts";
import { ApiError } from "./contract.ts";
import { GROUP_ID } from "./people.ts";

/** help.dingtalk.io/open/development/the-robot-sends-a-group-message */
const MAX_PARAM_BYTES = 15_000;
const TEMPLATES: ReadonlySet<string> = new Set([
  "sampleText",
  "sampleMarkdown",
  "sampleImageMsg",
  "sampleFile",
]);

type Json = Record<string, unknown>;

/** What the robot's part of the API works with. */
export interface RobotParts {
  chats: Chats;
  robotCode: string;
  /** The direct chat of a person; null for a user id that nobody has. */
  conversationOf(staffId: string): string | null;
  isMedia(mediaId: string): boolean;
}

/** Messages of the robot that need no webhook. */
export function createRobotApi({ chats, robotCode, conversationOf, isMedia }: RobotParts) {
  const checkRobot = (json: Json) => {
    if (json["robotCode"] !== robotCode) throw new ApiError(400, "invalidParameter.robotCode.invalid");
  };
  const send = (conversationId: string, json: Json): object => {
    const [kind, param] = [String(json["msgKey"]), String(json["msgParam"])];
    if (!TEMPLATES.has(kind)) throw new ApiError(400, "invalidParameter.msgKey.invalid");
    if (Buffer.byteLength(param) > MAX_PARAM_BYTES)
      throw new ApiError(400, "invalidParameter.msgParam.tooLong");
    const { text, content, title = "", mediaId, photoURL, fileName } = parsed(param);
    const media = mediaId ?? photoURL;
    if (media !== undefined && !isMedia(media)) throw new ApiError(400, "invalidParameter.mediaId.invalid");
    const shown = text ?? content ?? `[${fileName ?? "picture"}]`;
    const message = chats.add({ conversationId, via: "robot", kind, text: shown, title, request: json });
    return { processQueryKey: message.key };
  };
  return {
    toPerson(json: Json): object {
      checkRobot(json);
      const ids = (json["userIds"] as string[] | undefined) ?? [];
      if (ids.length === 0 || ids.length > 20) throw new ApiError(400, "invalidParameter.userIds.invalid");
      const unknown = ids.filter((id) => conversationOf(id) === null);
      const places = ids.flatMap((id) => conversationOf(id) ?? []);
      const sent = places.map((conversationId) => send(conversationId, json)).at(0) ?? {
        processQueryKey: "none",
      };
      return { ...sent, invalidStaffIdList: unknown, flowControlledStaffIdList: [] };
    },
    toGroup(json: Json): object {
      checkRobot(json);
      if (json["openConversationId"] !== GROUP_ID)
        throw new ApiError(400, "invalidParameter.openConversationId.invalid");
      return send(GROUP_ID, json);
    },
    recall(json: Json): object {
      checkRobot(json);
      const keys = (json["processQueryKeys"] as string[] | undefined) ?? [];
      const found = chats.messages.filter(({ key }) => keys.includes(key));
      for (const message of found) message.isRecalled = true;
      return { successResult: found.map(({ key }) => key), failedResult: {} };
    },
  };
}

function parsed(param: string): Record<string, string | undefined> {
  try {
    return JSON.parse(param) as Record<string, string>;
  } catch {
    throw new ApiError(400, "invalidParameter.msgParam.invalid");
  }
}
