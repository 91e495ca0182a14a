import { afterEach, describe, expect, test } from "bun:test";
import type { AddressInfo } from "node:net";
import { App, LogLevel } from "@slack/bolt";
import { SocketModeClient } from "@slack/socket-mode";
import { WebClient } from "@slack/web-api";
import { startFakeSlack } from "../../fakes/slack/index.ts";

const cleanups: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** The fake for as long as the test runs. */
function workspace() {
  const slack = startFakeSlack();
  cleanups.push(async () => slack[Symbol.asyncDispose]());
  return slack;
}

/** An app of Slack's own framework that answers, changes its answer, and answers a button and a command. */
function answering(app: App): App {
  app.message(async ({ message, say, client }) => {
    const text = "text" in message ? message.text : "";
    const { ts = "", channel = "" } = await say({
      text: `you said ${text}`,
      blocks: [
        { type: "section", text: { type: "mrkdwn", text: `you said ${text}` } },
        {
          type: "actions",
          elements: [
            { type: "button", action_id: "yes", value: "y", text: { type: "plain_text", text: "Yes" } },
          ],
        },
      ],
    });
    await client.chat.update({ channel, ts, text: `you said ${text}!` });
  });
  app.event("app_mention", async ({ event, say }) => void (await say({ text: "here", thread_ts: event.ts })));
  app.action("yes", async ({ ack, respond: _, body, client }) => {
    await ack();
    await client.chat.postMessage({ channel: body.channel?.id ?? "", text: "pressed" });
  });
  app.command("/hermes", async ({ ack, command, client }) => {
    await ack();
    await client.chat.postMessage({ channel: command.channel_id, text: `command ${command.text}` });
  });
  return app;
}

async function roundTrip(slack: ReturnType<typeof workspace>) {
  const shown = (channel: string) =>
    slack
      .messages(channel)
      .filter(({ user }) => user === slack.botUserId)
      .map(({ text }) => text);
  slack.write({ text: "hello" });
  await slack.until(() => shown("D0USER").includes("you said hello!"), "it answers and changes its answer");
  slack.write({ channel: "C0GENERAL", text: `<@${slack.botUserId}> hi` });
  await slack.until(() => shown("C0GENERAL").includes("here"), "it answers a mention");
  slack.command("/hermes", "status");
  await slack.until(() => shown("D0USER").includes("command status"), "it answers a command");
  await slack.until(() => slack.pending === 0, "all is acknowledged");
}

describe("the fake is judged by", () => {
  test("@slack/bolt over Socket Mode", async () => {
    const slack = workspace();
    const app = answering(
      new App({
        token: slack.botToken,
        appToken: slack.appToken,
        socketMode: true,
        logLevel: LogLevel.ERROR,
        clientOptions: { slackApiUrl: slack.apiBase },
        installerOptions: { clientOptions: { slackApiUrl: slack.apiBase } },
      }),
    );
    await app.start();
    cleanups.push(async () => app.stop());
    await roundTrip(slack);
    const [message] = slack.messages("D0USER").filter(({ blocks }) => blocks.length > 0);
    expect(message).toBeUndefined(); // the update took the buttons away
    expect(slack.connections).toBe(1);
  });

  test("@slack/bolt over HTTP", async () => {
    const slack = workspace();
    const app = answering(
      new App({
        token: slack.botToken,
        signingSecret: slack.signingSecret,
        logLevel: LogLevel.ERROR,
        clientOptions: { slackApiUrl: slack.apiBase },
      }),
    );
    const server = await app.start({ port: 0, host: "127.0.0.1" });
    cleanups.push(async () => app.stop());
    slack.sendTo(`http://127.0.0.1:${(server.address() as AddressInfo).port}/slack/events`);
    await roundTrip(slack);
    expect(slack.answers.every(({ status }) => status === 200)).toBe(true);
  });

  test("@slack/socket-mode: what is not acknowledged comes again, and it reconnects", async () => {
    const slack = workspace();
    const client = new SocketModeClient({
      appToken: slack.appToken,
      logLevel: LogLevel.ERROR,
      clientPingTimeout: 200,
      clientOptions: { slackApiUrl: slack.apiBase },
    });
    const texts: string[] = [];
    let acknowledges = false;
    client.on("message", async ({ event, ack, retry_num }) => {
      texts.push(`${event.text} ${retry_num}`);
      if (acknowledges) await ack();
    });
    await client.start();
    cleanups.push(async () => client.disconnect());
    slack.write({ text: "hello" });
    await slack.until(() => texts.length === 1, "it is delivered");
    acknowledges = true;
    slack.disconnect("refresh_requested");
    await slack.until(() => slack.pending === 0, "it is acknowledged over the next connection");
    expect(texts).toEqual(["hello 0", "hello 1"]);
    expect([slack.connections, slack.opened]).toEqual([1, 2]);
  });

  test("@slack/web-api: streams, reactions, and files in and out", async () => {
    const slack = workspace();
    const client = new WebClient(slack.botToken, { slackApiUrl: slack.apiBase });
    slack.write({ text: "root", channel: "C0GENERAL" });
    const { ts = "", channel = "" } = await client.chat.startStream({
      channel: "C0GENERAL",
      thread_ts: "1700000000.000001",
      recipient_team_id: slack.teamId,
      recipient_user_id: "U0USER",
      markdown_text: "Hel",
    });
    await client.chat.appendStream({ channel, ts, markdown_text: "lo" });
    expect((await client.chat.update({ channel, ts, text: "x" }).catch((error) => error)).data.error).toBe(
      "streaming_state_conflict",
    );
    await client.chat.stopStream({ channel, ts });
    await client.reactions.add({ channel, timestamp: ts, name: "eyes" });
    const uploaded = await client.filesUploadV2({
      channel_id: "C0GENERAL",
      filename: "a.txt",
      file: Buffer.from("bytes"),
    });
    expect(uploaded.ok).toBe(true);
    expect(slack.messages("C0GENERAL")).toMatchObject([
      { text: "root" },
      { markdown: "Hello", stream: "ended", reactions: ["eyes"] },
      { files: [expect.any(String)] },
    ]);
    const replies = await client.conversations.replies({ channel, ts: "1700000000.000001" });
    expect(replies.messages?.map(({ text }) => text)).toEqual(["Hello"]);
  });
});
