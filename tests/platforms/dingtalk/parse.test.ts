import { describe, expect, test } from "bun:test";
import { parseMessage } from "../../../src/platforms/dingtalk/parse.ts";

const BOT = "$:LWCP_v1:$01B/44e/ph+R21B/X+43WLnAcUVO5BKL";

/** A message as DingTalk has really sent one (wenhaozhao/dingtalk-stream-sdk-rust, test_resources), names changed. */
const REAL = {
  chatbotCorpId: "dinge19e25c0b3f73fd635c2f4657eb6378f",
  chatbotUserId: BOT,
  conversationId: "cidh6ezDLHQau9V23Es/xSLNoiDDmPuN354KylQ2BaIhuM=",
  conversationType: "1",
  createAt: 1774080994334,
  isAdmin: false,
  msgId: "msgBjXREkdlZkfTfrIiQomjAw==",
  msgtype: "text",
  openThreadId: "cidh6ezDLHQau9V23Es/xSLNoiDDmPuN354KylQ2BaIhuM=",
  robotCode: "dingf0apw4ibx5u5ktba",
  senderCorpId: "dinge19e25c0b3f73fd635c2f4657eb6378f",
  senderId: "$:LWCP_v1:$gzXDEXQDiM8piyLH4HRRcg==",
  senderNick: "张三",
  senderPlatform: "Mac",
  senderStaffId: "032615015535634423",
  sessionWebhook: "https://oapi.dingtalk.com/robot/sendBySession?session=3dc9981636af125faaf72220d6242ff7",
  sessionWebhookExpiredTime: 1774086394522,
  text: { content: "hello" },
};
const IN_GROUP = { conversationType: "2", conversationId: "cid5o+bbZdK/80y1V5ESE5Trw==", isInAtList: true };

const parse = (changes: object) => parseMessage({ ...REAL, ...changes });
const messageOf = (changes: object) => parse(changes)?.message;

describe("a message to the robot", () => {
  test("as DingTalk really sends it", () => {
    expect(parse({})).toEqual({
      message: {
        type: "message",
        id: "msgBjXREkdlZkfTfrIiQomjAw==",
        address: { chat: "032615015535634423" },
        scope: "direct",
        sender: { id: "032615015535634423", name: "张三" },
        text: "hello",
        isForBot: true,
        messageId: "msgBjXREkdlZkfTfrIiQomjAw==",
      },
      conversation: {
        id: "cidh6ezDLHQau9V23Es/xSLNoiDDmPuN354KylQ2BaIhuM=",
        isDirect: true,
        webhook: { url: REAL.sessionWebhook, expiresAtMs: 1774086394522 },
      },
    });
  });

  test("in a group: the id of the conversation as it is, and whether it is meant for the robot", () => {
    expect(messageOf({ ...IN_GROUP, text: { content: " 你好 " } })).toMatchObject({
      address: { chat: "cid5o+bbZdK/80y1V5ESE5Trw==" },
      scope: "group",
      text: "你好",
      isForBot: true,
    });
    expect(messageOf({ ...IN_GROUP, isInAtList: undefined })?.isForBot).toBe(true);
    expect(messageOf({ ...IN_GROUP, isInAtList: false })?.isForBot).toBe(false);
    expect(messageOf({ isInAtList: false })?.isForBot).toBe(true);
  });

  test("of somebody without a user id", () => {
    const { message, conversation } = parse({ senderStaffId: undefined }) ?? {};
    expect(message?.sender.id).toBe(REAL.senderId);
    expect(message?.address.chat).toBe(REAL.conversationId);
    expect(conversation?.isDirect).toBe(true);
  });

  test("a user id of another organization is not taken for one of ours", () => {
    expect(messageOf({ ...IN_GROUP, senderCorpId: "dingother" })?.sender.id).toBe(REAL.senderId);
    expect(messageOf({ senderCorpId: "dingother" })?.address.chat).toBe(REAL.conversationId);
    expect(messageOf({ senderCorpId: undefined })?.sender.id).toBe(REAL.senderStaffId);
  });

  test("what is none of a person", () => {
    for (const changes of [
      { msgId: "" },
      { conversationId: 7 },
      { senderStaffId: undefined, senderId: undefined },
    ])
      expect(parse(changes)).toBeNull();
    for (const body of [null, [], "text", 7, {}]) expect(parseMessage(body)).toBeNull();
  });
});

describe("what it says and brings", () => {
  const cases: Record<string, [changes: object, text: string, files: object[] | undefined]> = {
    picture: [
      { content: { downloadCode: "code/+=", pictureDownloadCode: "other" } },
      "",
      [{ kind: "image", ref: "code/+=" }],
    ],
    audio: [{ content: { duration: 4000, downloadCode: "code" } }, "", [{ kind: "voice", ref: "code" }]],
    video: [
      { content: { duration: 4, videoType: "mp4", downloadCode: "code" } },
      "",
      [{ kind: "video", ref: "code" }],
    ],
    file: [
      { content: { downloadCode: "code", fileId: "214980176385", fileName: "报告.pdf", spaceId: "1" } },
      "",
      [{ kind: "document", ref: "code", name: "报告.pdf" }],
    ],
    richText: [
      {
        content: {
          richText: [
            { downloadCode: "one", pictureDownloadCode: "x", type: "picture" },
            { type: "at", atName: "Hermes", atUserId: BOT },
            { type: "at", atName: "李四", atUserId: "other" },
            { text: "\n" },
            { text: "abc" },
            { downloadCode: "two", type: "picture" },
          ],
        },
      },
      "@李四 \nabc",
      [
        { kind: "image", ref: "one" },
        { kind: "image", ref: "two" },
      ],
    ],
    markdown: [{ text: { content: "**bold**" } }, "**bold**", undefined],
    interactiveCard: [{ text: undefined, content: {} }, "[interactiveCard]", undefined],
  };
  for (const [msgtype, [changes, text, files]] of Object.entries(cases))
    test(msgtype, () => {
      const message = messageOf({ text: undefined, ...changes, msgtype });
      expect([message?.text, message?.files]).toEqual([text, files as never]);
    });

  test("speech that DingTalk has written down is a text", () => {
    const content = { duration: 4000, downloadCode: "code", recognition: "明天天气怎么样？" };
    const message = messageOf({ msgtype: "audio", text: undefined, content });
    expect([message?.text, message?.files]).toEqual(["明天天气怎么样？", undefined]);
  });

  test("content that comes as JSON in a string", () => {
    const message = messageOf({
      msgtype: "file",
      content: JSON.stringify({ downloadCode: "code", fileName: "a" }),
    });
    expect(message?.files).toEqual([{ kind: "document", ref: "code", name: "a" }]);
    expect(messageOf({ msgtype: "file", content: "no JSON" })?.files).toBeUndefined();
  });

  test("what it replies to, and the picture that it asks about", () => {
    const reply = (repliedMsg: object) =>
      messageOf({ text: { content: "what is this?", isReplyMsg: true, repliedMsg } });
    expect(reply({ msgType: "text", content: { text: "the answer" }, senderId: BOT })).toMatchObject({
      text: "what is this?",
      quoted: { text: "the answer", isFromBot: true },
    });
    expect(reply({ msgType: "picture", content: { downloadCode: "code" }, senderId: "other" })).toMatchObject(
      {
        quoted: { text: "[image]", isFromBot: false },
        files: [{ kind: "image", ref: "code" }],
      },
    );
    for (const richText of [
      [{ text: "see" }, { type: "picture", downloadCode: "code" }],
      // As DingTalk writes it in what is replied to.
      [
        { msgType: "text", content: "see" },
        { msgType: "picture", downloadCode: "code" },
      ],
    ])
      expect(reply({ msgType: "richText", content: { richText } })?.quoted?.text).toBe("[image]\nsee");
    expect(reply({ msgType: "text", content: "a text as it is" })?.quoted?.text).toBe("a text as it is");
    expect(reply({ msgType: "file", content: { fileName: "a.pdf", downloadCode: "c" } })?.quoted?.text).toBe(
      "[document: a.pdf]",
    );
    expect(
      messageOf({ text: { content: "no reply", isReplyMsg: false, repliedMsg: {} } })?.quoted,
    ).toBeUndefined();
  });

  test("messages that were forwarded as one are the words of others", () => {
    const forwarded = (content: object) => messageOf({ msgtype: "chatRecord", text: undefined, content });
    const records = [
      { senderNick: "张三", msgType: "text", content: "明天\n开会" },
      { senderNick: "李四", msgType: "picture", downloadCode: "code" },
      {
        msgType: "richText",
        richText: [
          { msgType: "text", content: "见图" },
          { msgType: "picture", downloadCode: "two" },
        ],
      },
      { senderNick: "王五", msgType: "audio", downloadCode: "three" },
    ];
    const message = forwarded({ title: "群聊", summary: "四条消息", chatRecord: JSON.stringify(records) });
    expect(message).toMatchObject({
      text: "",
      forwarded: {
        text: "[forwarded messages]\n- 张三: 明天\n  开会\n- 李四: [image]\n- [image] 见图\n- 王五: [voice]",
      },
      files: [
        { kind: "image", ref: "code" },
        { kind: "image", ref: "two" },
        { kind: "audio", ref: "three" },
      ],
    });
    for (const content of [{ summary: "三条消息" }, { summary: "三条消息", chatRecord: "no JSON" }])
      expect(forwarded(content)?.forwarded?.text).toBe("[forwarded messages]\n三条消息");
    const many = Array.from({ length: 200 }, () => ({ msgType: "text", content: "x" }));
    expect(forwarded({ chatRecord: JSON.stringify(many) })?.forwarded?.text.split("\n")).toHaveLength(51);
  });

  test("a press of a button, and what only looks like one", () => {
    expect(messageOf({ text: { content: "批准 ⟨hermes:y:apr_1⟩" } })).toMatchObject({
      text: "",
      button: "y:apr_1",
      buttonStays: true,
    });
    for (const content of [
      "⟨hermes:y:apr_1⟩",
      "批准 ⟨hermes:y:apr 1⟩",
      "批准 ⟨hermes:y:apr_1⟩!",
      `a ⟨hermes:${"x".repeat(65)}⟩`,
      "求期望值 ⟨x⟩",
      "what is ⟨psi|phi⟩",
    ])
      expect(messageOf({ text: { content } })).toMatchObject({ text: content });
  });
});
