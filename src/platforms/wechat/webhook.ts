import type { AccountSettings, ConnectionHooks, WebhookAnswer, WebhookRequest } from "../contract.ts";
import { type Callback, isRightProbe, openCallback } from "./callback.ts";
import type { Conversations } from "./conversations.ts";
import type { Giving } from "./giving.ts";
import type { Held, HeldCall } from "./held.ts";
import { type Heard, parseCallback } from "./parse.ts";
import type { Pushes } from "./pushes.ts";
import { createReplays } from "./replays.ts";
import type { Timing } from "./timing.ts";
import { asksForMore, type Words } from "./words.ts";

/** What the webhook works with. */
export interface WebhookParts {
  account: AccountSettings<"wechat">;
  conversations: Conversations;
  held: Held;
  giving: Giving;
  pushes: Pushes;
  /** People for whom an answer is being made. */
  working: ReadonlySet<string>;
  words: Words;
  timing: Timing;
}

type Taken = Heard & { message: NonNullable<Heard["message"]> };

/** With this WeChat neither shows anything nor calls again. */
const SUCCESS: WebhookAnswer = { status: 200, contentType: "text/plain; charset=utf-8", body: "success" };
const FORGED: WebhookAnswer = { status: 401 };
const LATER: WebhookAnswer = { status: 503 };

/** WeChat calls three times in all, each time when it has hung up after five seconds. */
const LAST_ATTEMPT = 3;

/**
 * Takes what WeChat calls the address of an account with. The answer to a message is awaited for as long as WeChat waits; where it
 * is not ready by then, it follows by a push. Accounts that may not push let WeChat call three times, and so have three times as
 * long; what comes later is given at the next message.
 */
export function createWebhook(parts: WebhookParts) {
  const { account, conversations, giving, pushes } = parts;
  const replays = createReplays();

  return async (request: WebhookRequest, hooks: ConnectionHooks): Promise<WebhookAnswer> => {
    if (request.method === "GET") return isRightProbe(request, account) ? echo(request) : FORGED;
    const callback = openCallback(request, account, replays);
    if ("refusal" in callback) {
      // Whoever cannot sign shall not fill the log.
      hooks.log(callback.isSigned ? "warn" : "debug", "a call was refused", { reason: callback.refusal });
      return FORGED;
    }
    hooks.alive();
    conversations.begin(hooks);
    const heard = parseCallback(callback.fields);
    if (heard.message !== null)
      return answerCall({ ...heard, message: heard.message }, callback, request, hooks);
    hooks.log("debug", "a callback says nothing to be answered", { type: callback.fields.get("MsgType") });
    if (heard.opens !== null && heard.user !== "") open(heard.user, heard.opens);
    return SUCCESS;
  };

  /** The person has done something: what is kept is given. True when something is. */
  function open(user: string, by: "message" | "action"): boolean {
    pushes.open(user, by);
    return giving.giveKept(user);
  }

  async function answerCall(
    heard: Taken,
    callback: Callback,
    { receivedAtMs }: WebhookRequest,
    hooks: ConnectionHooks,
  ): Promise<WebhookAnswer> {
    const { user, message } = heard;
    const call = parts.held.open({ id: message.id, user });
    const holdMs = receivedAtMs + parts.timing.holdMs - Date.now();
    const answering = call.answer(holdMs);
    await take(call, heard, hooks);
    const text = (await answering) ?? (await afterHolding(call, user, receivedAtMs));
    if (text === null) return call.isTaken ? SUCCESS : LATER;
    call.answered();
    const names = { ToUserName: user, FromUserName: heard.account };
    return callback.answer({
      ...names,
      CreateTime: Math.floor(Date.now() / 1000),
      MsgType: "text",
      Content: text,
    });
  }

  /** Hands the message on, unless it only asks for what is kept. */
  async function take(
    call: HeldCall,
    { user, opens, message }: Taken,
    hooks: ConnectionHooks,
  ): Promise<void> {
    // Of what is kept, some may have become ready since the call before was given up.
    const isGiven = call.attempt === 1 ? opens !== null && open(user, opens) : giving.giveKept(user);
    if (call.isTaken) return;
    try {
      const isComing = isGiven || (!pushes.areAllowed && parts.working.has(user));
      if (!isComing || !asksForMore(message.text)) await hooks.emit(message);
      call.isTaken = true;
    } catch (error) {
      hooks.log("warn", "a message could not be taken; WeChat delivers it again", { id: message.id, error });
    }
  }

  /** What is to be said when the answer is not there in time; null: nothing. */
  async function afterHolding(call: HeldCall, user: string, receivedAtMs: number): Promise<string | null> {
    const isOver = call.isTaken && (pushes.areAllowed || call.attempt >= LAST_ATTEMPT);
    if (isOver) return !pushes.areAllowed && parts.working.has(user) ? parts.words.thinking : null;
    // Nothing is said: WeChat hangs up and calls again. An answer that gets ready until then is kept for the next call: nobody
    // knows whether this one still carries it.
    return call.overhear(receivedAtMs + parts.timing.hangUpMs - Date.now());
  }
}

function echo({ query }: WebhookRequest): WebhookAnswer {
  return { status: 200, contentType: "text/plain; charset=utf-8", body: query["echostr"] ?? "" };
}
