import { and, eq, sql } from "drizzle-orm";
import { type Db, statement } from "./connection.ts";
import type { ChatStore } from "./contract.ts";
import { chatMoves, chats } from "./schema.ts";
import type { Access } from "./writer.ts";

const selectChat = statement((db) =>
  db
    .select({ sessionId: chats.sessionId, model: chats.model })
    .from(chats)
    .where(eq(chats.key, sql.placeholder("key")))
    .prepare(),
);

const upsert = statement((db) =>
  db.$client.prepare(
    `INSERT INTO chats (key, session_id, model, updated_at) VALUES (?, ?, ?, ?)
     ON CONFLICT (key) DO UPDATE SET session_id = excluded.session_id, model = excluded.model,
       updated_at = excluded.updated_at`,
  ),
);

const deletePrefix = statement((db) =>
  db
    .delete(chats)
    .where(sql`substr(${chats.key}, 1, length(${sql.placeholder("prefix")})) = ${sql.placeholder("prefix")}`)
    .returning()
    .prepare(),
);

/** What was chosen under the new key already is the later choice, and stays. */
const insertMoved = statement((db) =>
  db.$client.prepare(
    `INSERT INTO chats (key, session_id, model, updated_at) VALUES (?, ?, ?, ?)
     ON CONFLICT (key) DO NOTHING`,
  ),
);

/** A chat has one former id: whoever names another is not believed. */
const insertMove = statement((db) =>
  db.$client.prepare(
    `INSERT INTO chat_moves (platform, account, chat, former_chat, moved_at) VALUES (?, ?, ?, ?, ?)
     ON CONFLICT (platform, account, chat) DO NOTHING`,
  ),
);

const selectFormer = statement((db) =>
  db
    .select({ chat: chatMoves.formerChat })
    .from(chatMoves)
    .where(
      and(
        eq(chatMoves.platform, sql.placeholder("platform")),
        eq(chatMoves.account, sql.placeholder("account")),
        eq(chatMoves.chat, sql.placeholder("chat")),
      ),
    )
    .prepare(),
);

function formerIdsOf(db: Db, platform: string, account: string, chat: string): string[] {
  const ids = [chat];
  for (;;) {
    const former = selectFormer(db).get({ platform, account, chat: ids.at(-1) });
    if (former === undefined || ids.includes(former.chat)) return ids.slice(1);
    ids.push(former.chat);
  }
}

/** Conversations in chats. `now` gives milliseconds since the epoch. */
export function createChatStore(access: Access, now: () => number): ChatStore {
  return {
    get: (key) => access.read((db) => selectChat(db).get({ key }) ?? { sessionId: null, model: null }),
    save: (key, { sessionId, model }) =>
      access.write((db) => {
        upsert(db).run(key, sessionId, model, now());
      }),
    moveChat: (from, to) =>
      access.write((db) => {
        for (const { key, sessionId, model, updatedAt } of deletePrefix(db).all({ prefix: from }))
          insertMoved(db).run(to + key.slice(from.length), sessionId, model, updatedAt);
      }),
    recordMove: ({ platform, account, from, to }) =>
      access.write((db) => insertMove(db).run(platform, account, to, from, now()).changes > 0),
    formerIds: (platform, account, chat) => access.read((db) => formerIdsOf(db, platform, account, chat)),
  };
}
