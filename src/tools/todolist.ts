import { Type } from "typebox";
import type { TodoStore } from "../store/contract.ts";
import type { Todo, TodoStatus } from "../store/records.ts";
import { defineTool, type Tool } from "./contract.ts";
import { dataResult, errorResult } from "./result.ts";
import { stringEnum } from "./string-enum.ts";

const LISTED_LIMIT = 200;
const STATUSES = [
  "pending",
  "in_progress",
  "completed",
  "cancelled",
] as const satisfies readonly TodoStatus[];

const title = Type.String({ minLength: 1, maxLength: 500 });
const notes = Type.String({ maxLength: 10_000 });
const status = stringEnum(STATUSES);
const closed = { additionalProperties: false } as const;
const todo = Type.Object({
  id: Type.String(),
  title: Type.String(),
  notes: Type.String(),
  status,
  updated_at: Type.Integer(),
});
const todos = Type.Object({ todos: Type.Array(todo) });

/** The todolist group. Every principal has a list of its own. */
export function todolistTools(store: TodoStore): Tool[] {
  return [
    defineTool({
      name: "todolist_create",
      group: "todolist",
      title: "Create tasks",
      description: "Add tasks to the to-do list.",
      input: Type.Object(
        {
          todos: Type.Array(Type.Object({ title, notes: Type.Optional(notes) }, closed), {
            minItems: 1,
            maxItems: 50,
          }),
        },
        closed,
      ),
      output: todos,
      effect: "write",
      async run(input, { caller }) {
        return dataResult({ todos: (await store.create(caller.principal, input.todos)).map(show) });
      },
    }),
    defineTool({
      name: "todolist_update",
      group: "todolist",
      title: "Update a task",
      description: "Change a task of the to-do list.",
      input: Type.Object(
        {
          id: Type.String({ maxLength: 100 }),
          title: Type.Optional(title),
          notes: Type.Optional(notes),
          status: Type.Optional(status),
        },
        closed,
      ),
      output: todo,
      effect: "write",
      destructive: true,
      idempotent: true,
      async run({ id, ...change }, { caller }) {
        const changed = await store.update(caller.principal, id, change);
        return changed
          ? dataResult(show(changed))
          : errorResult(`There is no task ${id}. todolist_list shows the ids.`);
      },
    }),
    defineTool({
      name: "todolist_list",
      group: "todolist",
      title: "List tasks",
      description: "Show the to-do list.",
      input: Type.Object({ status: Type.Optional(status) }, closed),
      output: todos,
      effect: "read",
      async run(input, { caller }) {
        const found = await store.list(caller.principal, { ...input, limit: LISTED_LIMIT });
        return dataResult({ todos: found.map(show) });
      },
    }),
  ];
}

function show({ id, title, notes, status, updatedAt }: Todo) {
  return { id, title, notes, status, updated_at: updatedAt };
}
