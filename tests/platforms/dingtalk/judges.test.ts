import { expect, test } from "bun:test";
import { DWClient, type DWClientDownStream, TOPIC_ROBOT } from "dingtalk-stream";
import { type FakeDingTalk, startFakeDingTalk } from "../../fakes/dingtalk/index.ts";

/** DingTalk's own SDK, sent to the fake: it has the address of DingTalk built in, and does not encode the ticket. */
class SdkClient extends DWClient {
  constructor(private readonly fake: FakeDingTalk) {
    super({ clientId: fake.appKey, clientSecret: fake.appSecret });
  }

  override async getEndpoint(): Promise<this> {
    const { clientId, clientSecret, ua, subscriptions } = this.config;
    const answer = await fetch(`${this.fake.apiBase}/v1.0/gateway/connections/open`, {
      method: "POST",
      headers: { accept: "application/json", "content-type": "application/json" },
      body: JSON.stringify({ clientId, clientSecret, ua, subscriptions }),
    });
    const { endpoint, ticket } = (await answer.json()) as { endpoint: string; ticket: string };
    Object.assign(this, { dw_url: `${endpoint}?ticket=${encodeURIComponent(ticket)}` });
    return this;
  }
}

test("DingTalk's own SDK connects to the fake, receives, acknowledges, answers and answers pings", async () => {
  await using fake = startFakeDingTalk({ redeliverAfterMs: 500, pingEveryMs: 50 });
  const client = new SdkClient(fake);
  const received: DWClientDownStream[] = [];
  client.registerCallbackListener(TOPIC_ROBOT, (frame) => {
    received.push(frame);
    if (received.length === 1) return; // not acknowledged: it comes again
    const { sessionWebhook, text, senderStaffId } = JSON.parse(frame.data);
    const answer = {
      msgtype: "text",
      text: { content: `you said ${text.content}` },
      at: { atUserIds: [senderStaffId], isAtAll: false },
    };
    void fetch(sessionWebhook, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(answer),
    }).then(async (response) =>
      client.socketCallBackResponse(frame.headers.messageId, await response.json()),
    );
  });
  await client.connect();
  try {
    await fake.until(() => client.registered, "the SDK says that it is registered");
    fake.write({ text: "hello" });
    await fake.until(() => fake.pending === 0 && received.length >= 2, "it is acknowledged");
    const [first, second] = received.map(({ data }) => JSON.parse(data).msgId);
    expect(second).toBe(first);
    expect(received[0]?.headers.messageId).not.toBe(received[1]?.headers.messageId);
    expect(fake.shown(fake.directId(1)).map(({ text }) => text)).toEqual(["you said hello"]);
    await fake.until(
      () => fake.acknowledged.some(({ data }) => String(data).includes("opaque")),
      "it has answered a ping",
    );
    fake.drop();
    await fake.until(() => fake.opened === 2, "it connects anew");
  } finally {
    client.disconnect();
  }
});
