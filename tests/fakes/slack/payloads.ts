import type { Args, Writing } from "./contract.ts";
import { fileObject } from "./methods.ts";
import type { Message, Workspace } from "./workspace.ts";

/** The events that tell of a message, in the form of the Events API. */
export function eventsOf(message: Message, writing: Writing, workspace: Workspace, origin: string): Args[] {
  const mentionsBot = writing.text.includes(`<@${workspace.botUserId}>`);
  const isChannel = channelTypeOf(message.channel) === "channel";
  const types = writing.events ?? (mentionsBot && isChannel ? ["app_mention", "message"] : ["message"]);
  return types.map((type) => ({
    token: "verification-token",
    team_id: workspace.teamId,
    api_app_id: "A0APP",
    type: "event_callback",
    event_id: workspace.nextId("Ev"),
    event_time: Math.floor(Date.now() / 1000),
    authorizations: [
      { team_id: workspace.teamId, user_id: workspace.botUserId, is_bot: true, is_enterprise_install: false },
    ],
    event: {
      type,
      user: message.user,
      text: message.text,
      ts: message.ts,
      event_ts: message.ts,
      team: workspace.teamId,
      channel: message.channel,
      client_msg_id: crypto.randomUUID(),
      ...(type === "message" ? { channel_type: channelTypeOf(message.channel) } : {}),
      ...(message.thread === undefined ? {} : { thread_ts: message.thread, ...parentOf(message, workspace) }),
      ...(writing.files === undefined
        ? {}
        : {
            files: writing.files.map((file) => fileObject(file, origin)),
            ...(type === "message" ? { subtype: "file_share" } : {}),
          }),
      ...writing.more,
    },
  }));
}

/** What a slash command sends. */
export function commandPayload(command: string, text: string, trigger: string, workspace: Workspace): Args {
  return {
    token: "verification-token",
    team_id: workspace.teamId,
    team_domain: "team",
    channel_id: "D0USER",
    channel_name: "directmessage",
    user_id: "U0USER",
    user_name: "ada",
    command,
    text,
    api_app_id: "A0APP",
    is_enterprise_install: "false",
    response_url: "https://hooks.slack.com/commands/1234/5678",
    trigger_id: trigger,
  };
}

/** What the press of a button sends. */
export function pressPayload(message: Message, value: string, user: string, workspace: Workspace): Args {
  const elements = message.blocks.flatMap((block) => (block["elements"] ?? []) as readonly Args[]);
  const button = elements.find((one) => one["value"] === value);
  if (button === undefined) throw new Error(`there is no button ${value} below ${message.ts}`);
  const thread = message.thread === undefined ? {} : { thread_ts: message.thread };
  return {
    type: "block_actions",
    user: { id: user, username: "ada", name: "ada", team_id: workspace.teamId },
    api_app_id: "A0APP",
    token: "verification-token",
    container: { type: "message", message_ts: message.ts, channel_id: message.channel, is_ephemeral: false },
    trigger_id: `${message.ts}.${workspace.nextId("trigger")}`,
    team: { id: workspace.teamId, domain: "team" },
    channel: { id: message.channel, name: "general" },
    message: { type: "message", user: message.user, ts: message.ts, text: message.text, ...thread },
    response_url: "https://hooks.slack.com/actions/1234/5678",
    actions: [{ ...button, block_id: "b1", action_ts: `${Date.now() / 1000}` }],
  };
}

function channelTypeOf(channel: string): string {
  if (channel.startsWith("D")) return "im";
  return channel.startsWith("G") ? "mpim" : "channel";
}

function parentOf({ channel, thread = "" }: Message, workspace: Workspace): Args {
  const parent = workspace.find(channel, thread);
  return parent === null ? {} : { parent_user_id: parent.user };
}
