import { expect, test } from "bun:test";
import { openTempStore } from "../support/store.ts";

test("todos keep their order, change by id, and belong to their principal", async () => {
  let time = 1;
  await using temp = await openTempStore({ clock: () => time });
  const { todos } = temp.store;
  const [first, second] = await todos.create("p", [{ title: "tea", notes: "green" }, { title: "cake" }]);
  if (!first || !second) throw new Error("two were asked for");
  expect(first).toMatchObject({ title: "tea", notes: "green", status: "pending", createdAt: 1 });
  expect(second.notes).toBe("");
  time = 2;
  expect(await todos.update("p", second.id, { status: "completed" })).toEqual({
    ...second,
    status: "completed",
    updatedAt: 2,
  });
  expect(await todos.update("p", first.id, { title: "coffee", notes: "" })).toMatchObject({
    title: "coffee",
    notes: "",
  });
  expect(await todos.update("stranger", first.id, { title: "poison" })).toBeNull();
  expect(await todos.update("p", "todo_none", { title: "x" })).toBeNull();
  expect((await todos.list("p", { limit: 9 })).map((todo) => todo.title)).toEqual(["coffee", "cake"]);
  expect((await todos.list("p", { limit: 9, status: "completed" })).map((todo) => todo.title)).toEqual([
    "cake",
  ]);
  expect(await todos.list("p", { limit: 1 })).toHaveLength(1);
  expect(await todos.list("stranger", { limit: 9 })).toEqual([]);
});
