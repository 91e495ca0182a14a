import { describe, expect, test } from "bun:test";
import type { WebhookAnswer, WebhookRequest } from "../../../src/platforms/contract.ts";
import { startFakeDingTalk } from "../../fakes/dingtalk/index.ts";
import { adapterOf, createHeard, type Heard, never, outbound, startListening } from "./setup.ts";
import { signedByPython } from "./signed-by-python.ts";

const HOUR_MS = 3_600_000;
const NOW_MS = 1_774_080_994_334;

describe("the webhook", () => {
  const BODY = JSON.stringify({
    msgtype: "text",
    msgId: "msg1",
    conversationId: "cid1",
    conversationType: "1",
    senderStaffId: "staff1",
    text: { content: "你好" },
  });

  function call(heard: Heard, changes: Partial<WebhookRequest> = {}): Promise<WebhookAnswer | undefined> {
    const timestamp = String(NOW_MS);
    const [sign = ""] = signedByPython([{ timestamp, secret: "secret" }]);
    const adapter = adapterOf(startFakeDingTalkLess(), { mode: "webhook", app_secret: "secret" });
    const request: WebhookRequest = {
      method: "POST",
      headers: { timestamp, sign },
      query: {},
      body: Buffer.from(BODY),
      receivedAtMs: NOW_MS,
      ...changes,
    };
    return Promise.resolve(adapter.webhook?.(request, heard.hooks));
  }

  test("takes a message, whatever the spaces and the order of its keys", async () => {
    const spaced = Buffer.from(BODY.replace(/[{},:]/g, " $& \n"));
    const turned = Buffer.from(
      JSON.stringify(Object.fromEntries(Object.entries(JSON.parse(BODY)).reverse())),
    );
    for (const body of [Buffer.from(BODY), spaced, turned]) {
      const heard = createHeard();
      expect(await call(heard, { body })).toEqual({
        status: 200,
        contentType: "application/json",
        body: "{}",
      });
      expect(heard.taken[0]).toMatchObject({ id: "msg1", text: "你好", sender: { id: "staff1" } });
    }
  });

  test("refuses what is forged, and nothing of it gets in", async () => {
    const [wrongSign = ""] = signedByPython([{ timestamp: String(NOW_MS), secret: "other" }]);
    const forged: Partial<WebhookRequest>[] = [
      { headers: {} },
      { headers: { timestamp: String(NOW_MS), sign: wrongSign } },
      { receivedAtMs: NOW_MS + HOUR_MS + 1 },
    ];
    for (const changes of forged) {
      const heard = createHeard();
      expect(await call(heard, changes)).toEqual({ status: 401 });
      expect([heard.offered, heard.saved, heard.signs]).toEqual([[], null, 0]);
    }
  });

  test("says what is no message, and asks for what it could not keep again", async () => {
    const heard = createHeard();
    expect(await call(heard, { method: "GET", body: Buffer.from("") })).toEqual({ status: 405 });
    for (const body of ["", "{", "\ufeff{}", `{"a":"\\`])
      expect(await call(heard, { body: Buffer.from(body) })).toEqual({ status: 400 });
    expect(await call(heard, { body: Buffer.from("{}") })).toMatchObject({ status: 200 });
    expect(heard.offered).toEqual([]);
    heard.before = () => Promise.reject(new Error("the disk is full"));
    expect(await call(heard)).toEqual({ status: 503 });
  });

  test("end to end: posts that the fake signs, redelivered until they are taken, answered", async () => {
    const fake = startFakeDingTalk({ redeliverAfterMs: 20 });
    await using listening = await startListening({ fake, changes: { mode: "webhook" } });
    const door = Bun.serve({
      hostname: "127.0.0.1",
      port: 0,
      async fetch(request) {
        const answer = await listening.adapter.webhook?.(
          {
            method: "POST",
            headers: request.headers.toJSON(),
            query: {},
            body: await request.bytes(),
            receivedAtMs: Date.now(),
          },
          listening.hooks,
        );
        return new Response(answer?.body ?? null, { status: answer?.status ?? 500 });
      },
    });
    fake.postTo(`http://127.0.0.1:${door.port}/webhook/dingtalk`);
    let tries = 0;
    listening.before = () => {
      tries += 1;
      if (tries === 1) throw new Error("the disk is full");
    };
    const msgId = fake.write({ text: "hello", inGroup: true });
    await fake.until(() => fake.pending === 0, "it is taken");
    expect(fake.callbackAnswers.map(({ status }) => status)).toEqual([503, 200]);
    expect(listening.taken.map(({ id }) => id)).toEqual([msgId]);
    await listening.adapter.send(outbound(fake, "answer", { address: { chat: fake.groupId } }), never);
    expect(fake.shown(fake.groupId).map(({ via, text }) => [via, text])).toEqual([["webhook", "answer"]]);
    expect(fake.opened).toBe(0);
    await door.stop(true);
  });

  test("is not there in Stream mode, and cannot be without a secret", () => {
    expect(adapterOf(startFakeDingTalkLess()).webhook).toBeUndefined();
    expect(() => adapterOf(startFakeDingTalkLess(), { mode: "webhook", app_secret: "" })).toThrow(
      /app_secret is missing/,
    );
  });
});

/** Nothing is asked of it. */
function startFakeDingTalkLess() {
  return { appKey: "dingkey", appSecret: "secret", apiBase: "http://127.0.0.1:1" } as ReturnType<
    typeof startFakeDingTalk
  >;
}
