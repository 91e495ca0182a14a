import type { FakeChannel } from "./world.ts";

/** A channel as Discord describes it. */
export function channelOf(channel: FakeChannel): Record<string, unknown> {
  const { id, type, guildId, parentId, recipient } = channel;
  return {
    id,
    type,
    name: `channel-${id}`,
    ...(guildId === undefined ? {} : { guild_id: guildId, permission_overwrites: [], position: 0 }),
    ...(parentId === undefined
      ? {}
      : {
          parent_id: parentId,
          thread_metadata: {
            archived: false,
            auto_archive_duration: 1440,
            archive_timestamp: new Date(0).toISOString(),
            locked: false,
          },
        }),
    ...(recipient === undefined ? {} : { recipients: [recipient] }),
  };
}
