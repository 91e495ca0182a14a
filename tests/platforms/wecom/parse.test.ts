import { describe, expect, test } from "bun:test";
import { parseCallback } from "../../../src/platforms/wecom/app/parse.ts";
import { parseXml } from "../../../src/platforms/xml.ts";

const CORP = "ww1";
const parse = (fields: string, { agentId = "1000002", corp = CORP, user = "ZhangSan" } = {}) => {
  const xml = parseXml(
    `<xml><ToUserName><![CDATA[${corp}]]></ToUserName><FromUserName><![CDATA[${user}]]></FromUserName><CreateTime>1348831860</CreateTime>${fields}<AgentID>${agentId}</AgentID></xml>`,
  );
  return parseCallback(xml ?? new Map(), { corpId: CORP, agentId: "1000002" });
};

describe("a callback", () => {
  test("with a picture, a recording or a film brings a file", () => {
    for (const type of ["image", "voice", "video"] as const)
      expect(parse(`<MsgType>${type}</MsgType><MediaId>media_id</MediaId><MsgId>12</MsgId>`)).toMatchObject({
        id: "12",
        text: "",
        files: [{ kind: type, ref: "media_id" }],
      });
  });

  test("with a place is text; with a link it passes on the words of others", () => {
    const place =
      "<MsgType>location</MsgType><Location_X>23.134</Location_X><Location_Y>113.358</Location_Y><Scale>20</Scale><Label>广州</Label><MsgId>1</MsgId>";
    expect(parse(place)?.text).toBe("📍 广州 (23.134, 113.358)");
    const link =
      "<MsgType>link</MsgType><Title>t</Title><Description></Description><Url>https://a.b</Url><MsgId>1</MsgId>";
    expect(parse(link)).toMatchObject({ text: "", forwarded: { text: "t\nhttps://a.b" } });
  });

  test("of the menu is what its button says, with an id that is the same every time", () => {
    const click = "<MsgType>event</MsgType><Event>click</Event><EventKey>/status</EventKey>";
    expect(parse(click)).toMatchObject({ text: "/status", id: "ZhangSan:1348831860:click:/status" });
  });

  test("of a card is the button that was pressed", () => {
    const press = "<MsgType>event</MsgType><Event>template_card_event</Event><TaskId>t</TaskId>";
    expect(parse(`${press}<EventKey>y:apr_1</EventKey>`)).toMatchObject({
      text: "",
      button: "y:apr_1",
      buttonStays: true,
      id: "ZhangSan:1348831860:template_card_event:y:apr_1",
    });
    expect(parse(press)).toBeNull();
  });

  test.each([
    "<MsgType>event</MsgType><Event>enter_agent</Event><EventKey></EventKey>",
    "<MsgType>event</MsgType><Event>subscribe</Event>",
    "<MsgType>event</MsgType><Event>LOCATION</Event><Latitude>23.1</Latitude>",
    "<MsgType>text</MsgType><Content> </Content><MsgId>1</MsgId>",
    "<MsgType>image</MsgType><MsgId>1</MsgId>",
    "<MsgType>constructor</MsgType><MsgId>1</MsgId>",
    "",
  ])("is nothing to be answered: %s", (fields) => {
    expect(parse(fields)).toBeNull();
  });

  test("is for this application of this corporation, or for nobody here", () => {
    const text = "<MsgType>text</MsgType><Content>hi</Content><MsgId>1</MsgId>";
    expect(parse(text)?.text).toBe("hi");
    expect(parse(text, { agentId: "" })?.text).toBe("hi");
    expect(parse(text, { agentId: "1000003" })).toBeNull();
    expect(parse(text, { corp: "ww2" })).toBeNull();
    expect(parse(text, { user: "" })).toBeNull();
  });
});
