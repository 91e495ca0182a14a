import { expect, setDefaultTimeout, test } from "bun:test";
import { createAdapter } from "../../../src/platforms/feishu/adapter.ts";
import { startFakeFeishu } from "../../fakes/feishu/index.ts";
import { failureOf, live, settingsOf } from "./setup.ts";

setDefaultTimeout(60_000);

const ADD = "POST /im/v1/messages/:id/reactions";
const LIST = "GET /im/v1/messages/:id/reactions";

function reacting() {
  const fake = startFakeFeishu();
  const message = fake.write({ text: "hello" });
  message.reactions.push({ id: "ZCaC_theirs", emoji: "DONE", isFromBot: false });
  let adapter = createAdapter(settingsOf(fake));
  return {
    fake,
    message,
    react: (reaction: "seen" | "done" | "failed" | null) =>
      adapter.react?.({ chat: message.chat }, message.id, reaction, live()),
    restart() {
      adapter = createAdapter(settingsOf(fake));
    },
    ours: () => message.reactions.filter(({ isFromBot }) => isFromBot).map(({ emoji }) => emoji),
    [Symbol.asyncDispose]: () => fake[Symbol.asyncDispose](),
  };
}

test("one takes the place of the other, and nobody else's is touched", async () => {
  await using rig = reacting();
  await rig.react("seen");
  expect(rig.ours()).toEqual(["Get"]);
  await rig.react("seen");
  await rig.react("done");
  expect(rig.ours()).toEqual(["DONE"]);
  await rig.react("failed");
  expect(rig.ours()).toEqual(["CrossMark"]);
  await rig.react(null);
  expect(rig.ours()).toEqual([]);
  expect(rig.message.reactions).toHaveLength(1);
  expect(rig.fake.calls(ADD)).toHaveLength(3);
  expect(rig.fake.calls(LIST)).toEqual([]);
});

test("those of an earlier process are found, and taken away", async () => {
  await using rig = reacting();
  await rig.react("seen");
  rig.restart();
  await rig.react("done");
  expect(rig.ours()).toEqual(["DONE"]);
  rig.restart();
  await rig.react(null);
  expect(rig.ours()).toEqual([]);
  expect(rig.message.reactions).toHaveLength(1);
});

test("where they cannot be found, the new one stands beside them", async () => {
  await using rig = reacting();
  await rig.react("seen");
  rig.restart();
  rig.fake.fail(LIST, { code: 99991672 });
  await rig.react("done");
  expect(rig.ours()).toEqual(["Get", "DONE"]);
});

test("one that cannot be set is told, and tried again", async () => {
  await using rig = reacting();
  rig.fake.fail(ADD, { code: 231001, msg: "reaction type is invalid." }, 1);
  expect((await failureOf(rig.react("seen"))).kind).toBe("refused");
  await rig.react("seen");
  expect(rig.ours()).toEqual(["Get"]);
});
