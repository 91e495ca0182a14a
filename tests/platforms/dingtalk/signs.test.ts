import { expect, test } from "bun:test";
import { failureOf, never, outbound, startListening } from "./setup.ts";

test("buttons are links that have the client send a text, which is a press when it comes back", async () => {
  await using listening = await startListening();
  const { fake, adapter } = listening;
  const buttons = [
    { label: "批准", value: "y:apr_1", style: "good" as const },
    { label: "拒绝 [x]", value: "n:apr_1", style: "bad" as const },
    { label: "Later", value: "l:apr_1" },
  ];
  await adapter.send(outbound(fake, "**Run it?**", { buttons }), never);
  const { text = "", kind } = fake.shown(fake.directId(1))[0] ?? {};
  expect(kind).toBe("sampleMarkdown");
  const links = [
    ...text.matchAll(/\[([^\]]+)\]\(dtmd:\/\/dingtalkclient\/sendMessage\?content=([^)\s]+)\)/g),
  ];
  expect(links.map(([, label]) => label)).toEqual(["✅ 批准", "❌ 拒绝  x", "Later"]);
  for (const [, , content = ""] of links) fake.write({ text: decodeURIComponent(content) });
  await fake.until(() => listening.events.length === 3, "all are pressed");
  expect(listening.taken.map(({ text: said, button }) => [said, button])).toEqual([
    ["", "y:apr_1"],
    ["", "n:apr_1"],
    ["", "l:apr_1"],
  ]);
});

test("a message that is seen shows that it is thought about, until that is over", async () => {
  await using listening = await startListening();
  const { fake, adapter } = listening;
  const direct = fake.write({ text: "hello" });
  const group = fake.write({ text: "hello", inGroup: true });
  await fake.until(() => listening.events.length === 2, "both are there");
  await adapter.react?.({ chat: fake.staffId(1) }, direct, "seen", never);
  await adapter.react?.({ chat: fake.groupId }, group, "seen", never);
  for (const reaction of ["done", "failed", null] as const)
    await adapter.react?.({ chat: fake.groupId }, group, reaction, never);
  const calls = fake
    .calls("reaction")
    .map(({ path, json }) => [
      path.replace("/v1.0/robot/emotion/", ""),
      json["openMsgId"],
      json["openConversationId"],
    ]);
  expect(calls).toEqual([
    ["reply", direct, fake.directId(1)],
    ["reply", group, fake.groupId],
    ["recall", group, fake.groupId],
    ["recall", group, fake.groupId],
    ["recall", group, fake.groupId],
  ]);
  expect((await failureOf(adapter.react?.({ chat: fake.staffId(9) }, "msg", "seen", never))).kind).toBe(
    "refused",
  );
});
