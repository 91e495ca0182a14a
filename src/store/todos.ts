import { and, asc, eq, sql } from "drizzle-orm";
import { newId } from "../lib/ids.ts";
import { statement } from "./connection.ts";
import type { TodoStore } from "./contract.ts";
import { wholeLimit } from "./cursor.ts";
import type { Todo } from "./records.ts";
import { todos } from "./schema.ts";
import type { Access } from "./writer.ts";

const insertTodo = statement((db) =>
  db
    .insert(todos)
    .values({
      id: sql.placeholder("id"),
      principal: sql.placeholder("principal"),
      title: sql.placeholder("title"),
      notes: sql.placeholder("notes"),
      status: "pending",
      createdAt: sql.placeholder("now"),
      updatedAt: sql.placeholder("now"),
    })
    .returning()
    .prepare(),
);

/** Todo lists. `now` gives milliseconds since the epoch. */
export function createTodoStore(access: Access, now: () => number): TodoStore {
  return {
    create: (principal, added) =>
      access.write((db) =>
        added.map(({ title, notes = "" }) =>
          toTodo(insertTodo(db).get({ id: newId("todo"), principal, title, notes, now: now() })),
        ),
      ),
    update: (principal, id, change) =>
      access.write((db) => {
        const row = db
          .update(todos)
          .set({ ...change, updatedAt: now() })
          .where(and(eq(todos.id, id), eq(todos.principal, principal)))
          .returning()
          .get();
        return row ? toTodo(row) : null;
      }),
    list: (principal, { status, limit }) =>
      access.read((db) =>
        db
          .select()
          .from(todos)
          .where(
            and(eq(todos.principal, principal), status === undefined ? undefined : eq(todos.status, status)),
          )
          .orderBy(asc(todos.position))
          .limit(wholeLimit(limit))
          .all()
          .map(toTodo),
      ),
  };
}

function toTodo({ position: _position, principal: _principal, ...todo }: typeof todos.$inferSelect): Todo {
  return todo;
}
