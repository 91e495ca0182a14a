import { AppError } from "../../lib/errors.ts";
import { parseJson } from "../../lib/json.ts";
import type { AccountSettings, ConnectionHooks, WebhookAnswer, WebhookRequest } from "../contract.ts";
import type { Intake } from "./intake.ts";
import { isFromDingTalk } from "./signature.ts";

const TAKEN: WebhookAnswer = { status: 200, contentType: "application/json", body: "{}" };

/** Takes messages that DingTalk posts to the robot's address. Answers 200 only for what is on disk. */
export function createWebhook({ app_secret: secret }: AccountSettings<"dingtalk">, intake: Intake) {
  return async (request: WebhookRequest, hooks: ConnectionHooks): Promise<WebhookAnswer> => {
    if (!isFromDingTalk(request.headers, secret, request.receivedAtMs)) {
      hooks.log("debug", "a request without a valid signature of DingTalk was refused");
      return { status: 401 };
    }
    if (request.method !== "POST") return { status: 405 };
    hooks.alive();
    try {
      await intake(parseJson(request.body), hooks);
      return TAKEN;
    } catch (error) {
      const isUnreadable = error instanceof AppError && error.code === "malformed_json";
      const message = isUnreadable
        ? "a message of DingTalk could not be read"
        : "a message could not be taken; DingTalk delivers it again";
      hooks.log("warn", message, { reason: error instanceof Error ? error.message : String(error) });
      return { status: isUnreadable ? 400 : 503 };
    }
  };
}
