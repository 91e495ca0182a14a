import type { APIUser } from "@discordjs/core/http-only";

/** A user as a text or a message names them. */
type NamedUser = Pick<APIUser, "id" | "username" | "global_name">;
type NamedMember = { nick?: string | null | undefined };

/** What the people of a place call a user. */
export function nameOf(user: NamedUser, member?: NamedMember): string {
  return member?.nick ?? user.global_name ?? user.username;
}

/**
 * A text as people read it: mentions as names, own emoji of a server as `:name:`, and nothing where the bot itself is mentioned.
 * https://discord.com/developers/docs/reference#message-formatting
 */
export function readableText(
  content: string,
  mentions: readonly (NamedUser & { member?: NamedMember | undefined })[],
  botId: string,
): string {
  const names = new Map(mentions.map((user) => [user.id, nameOf(user, user.member)]));
  return content
    .replace(/<@!?(\d{1,20})>/g, (mention, id: string) => {
      if (id === botId) return "";
      const name = names.get(id);
      return name === undefined ? mention : `@${name}`;
    })
    .replace(/<a?:(\w{1,64}):\d{1,20}>/g, ":$1:")
    .replace(/<(\/[^:<>]{1,100}):\d{1,20}>/g, "$1")
    .trim();
}

/** True where the text mentions the bot itself. */
export function mentionsBot(content: string, botId: string): boolean {
  return content.includes(`<@${botId}>`) || content.includes(`<@!${botId}>`);
}
