import { describe, expect, test } from "bun:test";
import type { FakeDingTalk } from "../../fakes/dingtalk/index.ts";
import { never, outbound, startListening, startSpoken } from "./setup.ts";

describe("webhooks", () => {
  for (const url of [
    "https://evil.example/robot/sendBySession?session=1",
    "https://oapi.dingtalk.com.evil.example/x",
    "https://oapi.dingtalk.com@evil.example/x",
    "http://oapi.dingtalk.com/x",
    "https://oapi.dingtalk.com:8443/x",
    "https://dingtalk.com/x",
    "http://169.254.169.254/latest/meta-data",
    "file:///etc/passwd",
    "nonsense",
  ])
    test(`to ${url} are refused, and the message is answered`, async () => {
      await using spoken = await startSpoken({}, { more: { sessionWebhook: url } });
      const { adapter, fake, direct, logs, saved } = spoken;
      const warnings = logs.filter(({ level }) => level === "warn").map(({ message }) => message);
      expect(warnings).toEqual([
        "a message came with a webhook that is not DingTalk's; the robot's API answers it",
      ]);
      expect(JSON.stringify(saved)).not.toContain("evil");
      await adapter.send(outbound(fake, "x"), never);
      expect(direct().map(({ via }) => via)).toEqual(["robot"]);
    });

  test("outlive a restart, and only at DingTalk", async () => {
    await using before = await startSpoken({}, { inGroup: true });
    const { fake, saved } = before;
    before.stop();
    await before.ended;
    await using after = await startListening({ fake: kept(fake), state: saved });
    const message = outbound(fake, "after", { address: { chat: fake.groupId } });
    await after.adapter.send(message, never);
    expect(fake.shown(fake.groupId).map(({ via }) => via)).toEqual(["webhook"]);
    const forged = {
      conversations: [{ chat: fake.groupId, id: fake.groupId, isDirect: false, webhook: WEBHOOK }],
    };
    await using other = await startListening({ fake: kept(fake), state: forged });
    await other.adapter.send(message, never);
    expect(fake.shown(fake.groupId).map(({ via }) => via)).toEqual(["webhook", "robot"]);
  });

  test("are kept for the last hundred conversations, in little space", async () => {
    await using spoken = await startSpoken();
    const { fake } = spoken;
    for (let person = 2; person <= 105; person++) fake.write({ text: "hello", person });
    await fake.until(() => spoken.events.length === 105, "all have written");
    const { conversations } = spoken.saved as { conversations: { chat: string }[] };
    expect(conversations.map(({ chat }) => chat)).toEqual(
      Array.from({ length: 100 }, (_, n) => fake.staffId(n + 6)),
    );
    expect(JSON.stringify(spoken.saved).length).toBeLessThan(30_000);
  });
});

const WEBHOOK = { url: "https://evil.example/x", expiresAtMs: Date.now() + 3_600_000 };

/** The same DingTalk, which somebody else takes down. */
function kept(fake: FakeDingTalk): FakeDingTalk {
  return Object.assign(Object.create(fake) as FakeDingTalk, { [Symbol.asyncDispose]: async () => {} });
}
