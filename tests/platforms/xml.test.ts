import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { parseXml, writeXml } from "../../src/platforms/xml.ts";

const fieldsOf = (xml: string) => Object.fromEntries(parseXml(xml) ?? [["", "none"]]);

describe("XML is read", () => {
  test("as in the documentation of WeCom", () => {
    const xml = `<xml>
   <ToUserName><![CDATA[toUser]]></ToUserName>
   <CreateTime>1348831860</CreateTime>
   <Content><![CDATA[this is a <test>&amp;]]></Content>
   <MsgId>1234567890123456789</MsgId>
   <AgentID>0012</AgentID>
</xml>`;
    expect(fieldsOf(xml)).toEqual({
      ToUserName: "toUser",
      CreateTime: "1348831860",
      Content: "this is a <test>&amp;",
      MsgId: "1234567890123456789",
      AgentID: "0012",
    });
  });

  test("with a prolog, empty fields, mixed text and CDATA, and the five entities", () => {
    const xml =
      '<?xml version="1.0" encoding="utf-8"?>\n<xml><A/><B></B><C>1<![CDATA[ < ]]>2</C><D>&lt;&amp;amp;&gt;&quot;&apos;</D ></xml>\n';
    expect(fieldsOf(xml)).toEqual({ A: "", B: "", C: "1 < 2", D: "<&amp;>\"'" });
  });

  test("without fields that have children, and the first of two", () => {
    const xml = "<xml><A><B>1</B>x</A><C>2</C><C>3</C><D><E/></D></xml>";
    expect(fieldsOf(xml)).toEqual({ C: "2" });
  });

  const none: [what: string, xml: string][] = [
    ["nothing", ""],
    ["text", "hello"],
    ["a DOCTYPE", '<!DOCTYPE x [<!ENTITY a "b">]><xml><A>&a;</A></xml>'],
    ["a DOCTYPE after the prolog", '<?xml version="1.0"?><!DOCTYPE xml><xml></xml>'],
    ["an entity of its own", "<xml><A>&a;</A></xml>"],
    ["an entity by number", "<xml><A>&#65;</A></xml>"],
    ["an ampersand alone", "<xml><A>a & b</A></xml>"],
    ["a comment", "<xml><!-- a --></xml>"],
    ["a processing instruction", "<xml><?php ?></xml>"],
    ["an attribute", '<xml><A b="c">1</A></xml>'],
    ["an end without a beginning", "</xml>"],
    ["a beginning without an end", "<xml><A>1</A>"],
    ["ends that are crossed", "<xml><A><B></A></B></xml>"],
    ["another end", "<xml><A>1</B></xml>"],
    ["two roots", "<xml></xml><xml></xml>"],
    ["text beside fields", "<xml>a<A>1</A></xml>"],
    ["text behind the end", "<xml></xml>a"],
    ["CDATA without an end", "<xml><A><![CDATA[a</A></xml>"],
    ["a bracket", "<xml><A>1 < 2</A></xml>"],
    ["depth", `${"<a>".repeat(9)}${"</a>".repeat(9)}`],
    ["length", `<xml><A>${"a".repeat(64 * 1024)}</A></xml>`],
  ];
  test.each(none)("as none where there is %s", (_what, xml) => {
    expect(parseXml(xml)).toBeNull();
  });

  test("in no time, whatever it is", () => {
    for (const piece of ["<", "<a", "<![CDATA[", "&", "<a><![CDATA[]]>", "]]>", "<?xml "])
      expect(parseXml(piece.repeat(10_000).slice(0, 64 * 1024))).toBeNull();
  });
});

describe("XML is written", () => {
  test("with an end of CDATA in the text, and without what XML cannot hold", () => {
    expect(writeXml({ A: "a]]>b\0\u001b\ud800\uffff", B: 12 })).toBe(
      "<xml><A><![CDATA[a]]]]><![CDATA[>b\ufffd]]></A><B>12</B></xml>",
    );
  });

  test("so that it reads as it was", () => {
    const text = fc.string({
      unit: fc.constantFrom("]", ">", "<", "&", "a", "你", "😀", " ", "\n", "![CDATA["),
    });
    fc.assert(
      fc.property(text, text, (a, b) => {
        expect(fieldsOf(writeXml({ A: a, B: b, C: 3 }))).toEqual({ A: a, B: b, C: "3" });
      }),
    );
  });
});
