import { describe, expect, test } from "bun:test";
import { readBody } from "../../../src/platforms/wechat/fields.ts";
import { parseCallback } from "../../../src/platforms/wechat/parse.ts";

const parse = (fields: string, user = "openid-1") => {
  const xml = `<xml><ToUserName><![CDATA[gh_1]]></ToUserName><FromUserName><![CDATA[${user}]]></FromUserName><CreateTime>1348831860</CreateTime>${fields}</xml>`;
  return parseCallback(readBody(xml)?.fields ?? new Map());
};

describe("a message", () => {
  test("of text comes with its id, and lets five messages follow", () => {
    const text =
      "<MsgType><![CDATA[text]]></MsgType><Content><![CDATA[ 0012 ]]></Content><MsgId>23456789012345678901</MsgId>";
    expect(parse(text)).toEqual({
      user: "openid-1",
      account: "gh_1",
      opens: "message",
      message: {
        type: "message",
        id: "23456789012345678901",
        address: { chat: "openid-1" },
        scope: "direct",
        sender: { id: "openid-1", name: "openid-1" },
        isForBot: true,
        text: "0012",
      },
    });
  });

  test("that was spoken is its text where WeChat has recognized it, else a file", () => {
    const voice = "<MsgType>voice</MsgType><MediaId>m</MediaId><Format>amr</Format><MsgId>1</MsgId>";
    expect(parse(`${voice}<Recognition><![CDATA[你好。]]></Recognition>`).message).toMatchObject({
      text: "你好。",
    });
    expect(parse(`${voice}<Recognition></Recognition>`).message).toMatchObject({
      text: "",
      files: [{ kind: "voice", mediaType: "audio/amr" }],
    });
  });

  test("with a picture or a film brings a file", () => {
    const image =
      "<MsgType>image</MsgType><PicUrl>http://mmbiz.qpic.cn/a</PicUrl><MediaId>m</MediaId><MsgId>1</MsgId>";
    expect(parse(image).message?.files).toEqual([{ kind: "image", ref: '["m","http://mmbiz.qpic.cn/a"]' }]);
    for (const type of ["video", "shortvideo"]) {
      const video = `<MsgType>${type}</MsgType><MediaId>m</MediaId><ThumbMediaId>t</ThumbMediaId><MsgId>1</MsgId>`;
      expect(parse(video).message?.files).toEqual([{ kind: "video", ref: '["m",""]' }]);
    }
  });

  test("with a place is text; with a link it passes on the words of others", () => {
    const place =
      "<MsgType>location</MsgType><Location_X>23.1</Location_X><Location_Y>113.3</Location_Y><Scale>20</Scale><Label>广州</Label><MsgId>1</MsgId>";
    expect(parse(place).message?.text).toBe("📍 广州 (23.1, 113.3)");
    const link =
      "<MsgType>link</MsgType><Title>t</Title><Description>d</Description><Url>https://a.b</Url><MsgId>1</MsgId>";
    expect(parse(link).message).toMatchObject({ text: "", forwarded: { text: "t\nd\nhttps://a.b" } });
  });
});

describe("an event", () => {
  const event = (name: string, more = "") => parse(`<MsgType>event</MsgType><Event>${name}</Event>${more}`);

  test("of somebody who begins to follow is a greeting", () => {
    expect(event("subscribe", "<EventKey>qrscene_1</EventKey>")).toMatchObject({
      opens: "action",
      message: { text: "/start", id: "openid-1:1348831860:subscribe:qrscene_1" },
    });
  });

  test("of the menu is what its key says", () => {
    expect(event("CLICK", "<EventKey>/status</EventKey>").message).toMatchObject({ text: "/status" });
  });

  test.each(["unsubscribe", "VIEW", "LOCATION", "TEMPLATESENDJOBFINISH", "constructor", ""])(
    "%p is nothing to be answered",
    (name) => {
      expect(event(name)).toMatchObject({ opens: null, message: null });
    },
  );

  test("of a code that was scanned lets messages follow", () => {
    expect(event("SCAN", "<EventKey>1</EventKey>")).toMatchObject({ opens: "action", message: null });
  });
});

test("what nobody wrote, or what cannot be read, is nothing to be answered", () => {
  for (const fields of ["", "<MsgType>text</MsgType><Content> </Content>", "<MsgType>image</MsgType>"])
    expect(parse(fields).message).toBeNull();
  expect(parse("<MsgType>text</MsgType><Content>hi</Content><MsgId>1</MsgId>", "").message).toBeNull();
});

test("JSON keeps ids of 64 bits, and what is neither text nor a number is left out", () => {
  const body = readBody(
    '{"MsgId": 23456789012345678901, "A": "1", "B": {"C": 1}, "D": [1], "E": true, "F": 1.50}',
  );
  expect(body?.format).toBe("json");
  expect(Object.fromEntries(body?.fields ?? [])).toEqual({
    MsgId: "23456789012345678901",
    A: "1",
    F: "1.50",
  });
});
