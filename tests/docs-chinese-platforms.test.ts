import { describe, expect, test } from "bun:test";
import { parse } from "yaml";
import { ENVIRONMENT_KEYS } from "../src/config/environment.ts";
import { webhookRoutes } from "../src/http/webhook/routes.ts";
import { DINGTALK } from "../src/platforms/dingtalk/index.ts";
import { fits as fitsDingTalk } from "../src/platforms/dingtalk/render.ts";
import { FEISHU } from "../src/platforms/feishu/index.ts";
import { fits as fitsFeishu } from "../src/platforms/feishu/render.ts";
import { MAX_FILE_BYTES } from "../src/platforms/file-sizes.ts";
import { fits as fitsWechat } from "../src/platforms/wechat/render.ts";
import { asksForMore, wordsOf } from "../src/platforms/wechat/words.ts";
import { WECOM } from "../src/platforms/wecom/index.ts";
import { fits as fitsWecom } from "../src/platforms/wecom/render.ts";
import { TIMING as WECOM_TIMING } from "../src/platforms/wecom/timing.ts";
import { bothLanguages, codesIn, type Page, rowsOf, sourceOf } from "./support/pages.ts";

const NAMES = ["feishu", "dingtalk", "wecom", "wechat"] as const;
const pagesOf = (name: string) => bothLanguages(`docs/${name}.md`);

/** The number that a cell begins with. */
const leadingNumber = (cell = ""): number => Number(/^[\d,]+/.exec(cell)?.[0].replaceAll(",", ""));

describe("a message is as long as the page says, in bytes", () => {
  const wecom = (settings: object) => (text: string) =>
    fitsWecom(text, settings as Parameters<typeof fitsWecom>[1]);
  /** In the order of the rows. */
  const FITS = {
    feishu: [fitsFeishu],
    dingtalk: [fitsDingTalk],
    wecom: [wecom({ bot_id: "a-bot" }), wecom({})],
    wechat: [fitsWechat],
  };
  /** What a text costs besides itself: quotes, in JSON. */
  const MAX_AROUND_BYTES = 8;

  for (const [name, ways] of Object.entries(FITS))
    for (const one of pagesOf(name))
      test(one.path, () => {
        const limits = rowsOf(one).flatMap(([, cell = ""]) =>
          /^[\d,]+ (?:bytes|字节)/.test(cell) ? [cell] : [],
        );
        expect(limits.length).toBe(ways.length);
        for (const [i, fits] of ways.entries()) {
          const bytes = leadingNumber(limits[i]);
          const chinese = leadingNumber(/[\d,]+(?= Chinese characters| 个汉字)/.exec(limits[i] ?? "")?.[0]);
          expect([bytes - MAX_AROUND_BYTES, bytes + 1].map((length) => fits("a".repeat(length)))).toEqual([
            true,
            false,
          ]);
          expect([chinese, chinese * 1.03].map((length) => fits("字".repeat(length)))).toEqual([true, false]);
        }
      });
});

describe("a growing answer changes as often as the page says", () => {
  for (const { id, limits } of [FEISHU, DINGTALK, WECOM])
    for (const one of pagesOf(id))
      test(one.path, () => {
        const row = rowsOf(one).find(([what]) => what === "a growing answer" || what === "逐渐变长的回答");
        const seconds = [...(row?.[1] ?? "").matchAll(/[\d.]+(?= seconds?| 秒)/g)].map(Number);
        const { direct, group } = limits.editEveryMs;
        expect(seconds).toEqual([...new Set([direct, group])].map((ms) => ms / 1000));
      });
});

describe("no chat gets more messages than the page says", () => {
  for (const { id, limits } of [DINGTALK, WECOM])
    for (const one of pagesOf(id))
      test(one.path, () => {
        const told = /Hermes sends (\d+) a minute in the long run|Hermes 平均每分钟发 (\d+) 条/.exec(
          one.text,
        );
        expect(Number(told?.[1] ?? told?.[2])).toBe(Math.floor(limits.pace.group.perSecond * 60));
      });
});

describe("what is to be put into the consoles and into the shell leads to Hermes", () => {
  const addresses = new Set(webhookRoutes("/webhook").map(({ path }) => path));
  const variablesOf = (name: string) =>
    ENVIRONMENT_KEYS.filter(({ path }) => path[0] === "platforms" && path[1] === name).map(
      ({ variable }) => variable,
    );
  /** The names that stand in code of this language. */
  const namesIn = ({ blocks }: Page, language: string, pattern: RegExp) =>
    new Set(
      blocks
        .filter((block) => block.language === language)
        .flatMap(({ code }) => [...code.matchAll(pattern)].map(([, name = ""]) => name)),
    );

  for (const name of NAMES)
    for (const one of pagesOf(name)) {
      test(`${one.path}: the address of the webhook`, () => {
        const listed = codesIn(one.prose.join("\n")).filter((code) => code.includes("/webhook/"));
        expect(listed).toContain(`https://your-domain.com/webhook/${name}`);
        const paths = listed.map((address) => address.replace("https://your-domain.com", ""));
        expect(paths.filter((path) => !addresses.has(path))).toEqual([]);
      });

      test(`${one.path}: the variables`, () => {
        const set = namesIn(one, "sh", /^(?:export )?(\w+)=/gm);
        const used = namesIn(one, "yaml", /\$\{(\w+)\}/g);
        const known = new Set(variablesOf(name));
        expect([...known.difference(set)]).toEqual([]);
        expect([...set.difference(known.union(used))]).toEqual([]);
      });
    }

  for (const one of bothLanguages("docs/gateway.md"))
    test(`${one.path} names every variable of the platforms`, () => {
      const named = new Set(codesIn(one.prose.join("\n")));
      const variables = ENVIRONMENT_KEYS.filter(({ path }) => path[0] === "platforms");
      expect(variables.length).toBeGreaterThan(10);
      expect(variables.filter(({ variable }) => !named.has(variable))).toEqual([]);
    });
});

describe("hints lead to where the page leads", () => {
  for (const name of NAMES)
    for (const one of pagesOf(name))
      test(one.path, () => {
        const hints = sourceOf(`src/platforms/${name}`);
        const menus = [...hints.matchAll(/\(([\w ]*[\u4e00-\u9fff][\u4e00-\u9fff\w ]*)\)/g)].map(
          ([, menu = ""]) => menu,
        );
        expect(menus.length).toBeGreaterThan(3);
        if (one.path.endsWith(".zh-CN.md"))
          expect([...new Set(menus)].filter((menu) => !one.text.includes(menu))).toEqual([]);
        const hosts = [...hints.matchAll(/ at ((?:\w[\w-]*\.)+\w+\/?\w*)/g)].map(([, host = ""]) => host);
        expect([...new Set(hosts)].filter((host) => !one.text.includes(host))).toEqual([]);
      });
});

describe("docs/feishu.md", () => {
  const source = sourceOf("src/platforms/feishu");

  /**
   * The least scopes with which every call of the adapter is allowed, by its method and path: those pages of
   * open.feishu.cn/document/server-docs/im-v1, /cardkit-v1, /contact-v3 and /bot-v3 list what would do.
   */
  const SCOPES_OF_CALL: Readonly<Record<string, readonly string[]>> = {
    "DELETE /im/v1/messages/*": ["im:message:send_as_bot"],
    "DELETE /im/v1/messages/*/reactions/*": ["im:message.reactions:write_only"],
    "GET /bot/v3/info": [],
    "GET /contact/v3/users/*": ["contact:contact.base:readonly", "contact:user.base:readonly"],
    "GET /im/v1/messages/*": ["im:message:readonly"],
    "GET /im/v1/messages/*/reactions": ["im:message:readonly"],
    "GET /im/v1/messages/*/resources/*": ["im:message:readonly"],
    "PATCH /cardkit/v1/cards/*/settings": ["cardkit:card:write"],
    "PATCH /im/v1/messages/*": ["im:message:send_as_bot"],
    "POST /cardkit/v1/cards": ["cardkit:card:write"],
    "POST /im/v1/files": ["im:resource"],
    "POST /im/v1/images": ["im:resource"],
    "POST /im/v1/messages": ["im:message:send_as_bot"],
    "POST /im/v1/messages/*/reactions": ["im:message.reactions:write_only"],
    "POST /im/v1/messages/*/reply": ["im:message:send_as_bot"],
    "PUT /cardkit/v1/cards/*": ["cardkit:card:write"],
    "PUT /cardkit/v1/cards/*/elements/*/content": ["cardkit:card:write"],
    "PUT /im/v1/messages/*": ["im:message:send_as_bot"],
  };
  /** Those with which `im.message.receive_v1` arrives: from direct chats, and for mentions in groups. */
  const SCOPES_OF_EVENT = ["im:message.p2p_msg:readonly", "im:message.group_at_msg:readonly"];
  /** Sensitive, and so not asked for with the others. */
  const ALL_OF_A_GROUP = "im:message.group_msg";

  const pathsOf = (text: string) =>
    [...text.matchAll(/[`"](\/(?:bot|cardkit|contact|im)\/v\d\/[^`"]+)[`"]/g)].map(([, path = ""]) =>
      path.replaceAll(/\$\{[^}]*\}+/g, "*"),
    );

  test("every path that the adapter calls has known scopes", () => {
    const known = new Set(Object.keys(SCOPES_OF_CALL).map((call) => call.replace(/^\w+ /, "")));
    expect([...new Set(pathsOf(source))].toSorted()).toEqual([...known].toSorted());
  });

  for (const one of pagesOf("feishu")) {
    test(`${one.path}: the scopes to paste are those that are used, and no other; the table explains them`, () => {
      const pasted = one.blocks.find(({ language }) => language === "json")?.code ?? "";
      const used = new Set([...Object.values(SCOPES_OF_CALL).flat(), ...SCOPES_OF_EVENT]);
      expect(JSON.parse(pasted)).toEqual({ scopes: { tenant: [...used].toSorted(), user: [] } });
      const explained = rowsOf(one).flatMap(([cell]) => codesIn(cell));
      expect([...used].filter((scope) => !explained.includes(scope))).toEqual([]);
      expect(codesIn(one.prose.join("\n"))).toContain(ALL_OF_A_GROUP);
    });

    test(`${one.path}: the event and the callback are those that are read`, () => {
      const read = [...source.matchAll(/type === "([\w.]+\.[\w.]+)"/g)].map(([, type = ""]) => type);
      expect(read).toEqual(["im.message.receive_v1", "card.action.trigger"]);
      const named = codesIn(one.prose.join("\n"));
      expect(read.filter((type) => !named.includes(type))).toEqual([]);
    });
  }
});

describe("docs/dingtalk.md", () => {
  const source = sourceOf("src/platforms/dingtalk");
  const permissions = new Set(source.match(/\bCard\.\w+\.\w+/g));

  for (const one of pagesOf("dingtalk")) {
    test(`${one.path}: the permissions of cards are those that the adapter names, and no file is larger than it says`, () => {
      expect([...permissions].toSorted()).toEqual(["Card.Instance.Write", "Card.Streaming.Write"]);
      const explained = rowsOf(one).flatMap(([cell]) => codesIn(cell));
      expect([...permissions, "qyapi_robot_sendmsg"].filter((name) => !explained.includes(name))).toEqual([]);
      const largest = `${MAX_FILE_BYTES.dingtalk / 1024 / 1024} MB`;
      expect(rowsOf(one).some(([, cell = ""]) => cell.startsWith(largest))).toBe(true);
    });

    test(`${one.path}: the host of the international DingTalk is one that answers may go to`, () => {
      const [host] = one.blocks.flatMap(
        ({ code }) => /api_base: "https:\/\/(.+)"/.exec(code)?.slice(1) ?? [],
      );
      expect(source).toContain(`"${host}"`);
    });
  }
});

describe("docs/wecom.md", () => {
  for (const one of pagesOf("wecom")) {
    test(`${one.path}: an answer grows for as long as it says`, () => {
      const [, minutes, seconds] = /(\d+) (?:minutes and|分) (\d+) (?:seconds|秒)/.exec(one.text) ?? [];
      expect((Number(minutes) * 60 + Number(seconds)) * 1000).toBe(WECOM_TIMING.answerableMs);
    });

    test(`${one.path}: the command that starts it has the file of which the whole is shown`, () => {
      const command = "hermes gateway --platform wecom --config ~/.hermes/wecom.yaml";
      expect(codesIn(one.prose.join("\n"))).toContain(command);
      const whole = one.blocks.find(({ language }) => language === "yaml")?.code ?? "";
      expect(Object.keys(parse(whole))).toEqual(["model", "providers", "platforms"]);
    });
  }
});

describe("docs/wechat.md", () => {
  for (const [one, language] of pagesOf("wechat").map((page, i) => [page, i === 0 ? "en" : "zh"] as const))
    test(`${one.path}: what asks for the rest of an answer`, () => {
      const { more } = wordsOf({ language } as Parameters<typeof wordsOf>[0]);
      expect(one.text).toContain(more.trim());
      const sentence = one.prose
        .find((line) => /is no question|不算提问/.test(line))
        ?.split(/[.。；] ?/)
        .at(-2);
      const words = [...(sentence ?? "").matchAll(/["“](.+?)["”]/g)].map(([, word = ""]) => word);
      expect(words.length).toBe(3);
      expect(words.filter((word) => !asksForMore(word))).toEqual([]);
    });
});
