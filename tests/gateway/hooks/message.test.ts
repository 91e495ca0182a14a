import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { EVENT_FIELDS } from "../../../src/config/schema-hooks.ts";
import type { HookEvent } from "../../../src/gateway/hooks/event.ts";
import { messageFor } from "../../../src/gateway/hooks/message.ts";
import type { HookSettings } from "../../../src/gateway/hooks/settings.ts";
import { compileTemplate } from "../../../src/lib/template.ts";
import { parseMarkdown } from "../../../src/platforms/markdown.ts";

/** The message of a template for a payload. */
function message(template: string, payload: unknown): Promise<string> {
  const prompt = compileTemplate(template, { fields: EVENT_FIELDS, allowsRaw: true });
  const event: HookEvent = { payload, text: "", headers: {}, route: "alert", event_id: "evt_1" };
  return messageFor({ prompt } as HookSettings, event);
}

/** What a reader sees of a message that is not code, as the platforms read it. */
const outsideOfCode = (markdown: string) =>
  JSON.stringify(parseMarkdown(markdown), (_key, node) => (node?.type === "code" ? "" : node));

const LINK = "**EVIL** [click](http://evil)";

describe("values of a message", () => {
  test("are code", async () => {
    const text = await message("{{payload.who}} deployed {{payload.n}}: {{payload.note}}", {
      who: LINK,
      n: 3,
      note: "a\nb",
    });
    expect(text).toBe("`**EVIL** [click](http://evil)` deployed 3: \n```\na\nb\n```\n");
    expect(await message("{{payload}}", "a `b` ``c``")).toBe("``` a `b` ``c`` ```");
    expect(
      await message("Is {{payload.on}} {{payload.nothing}}{{payload.empty}}.", { on: true, empty: "" }),
    ).toBe("Is true .");
  });

  test.each([
    ["with a carriage return for a line end", "{{payload.a}}", { a: `x\r\r${LINK}` }],
    ["beside an empty one", "{{payload.a}} {{payload.b}}", { a: "", b: `${LINK} \`` }],
    ["right beside another one", "{{payload.a}}{{payload.b}}", { a: "x", b: `y\`${LINK}` }],
    ["of which a part is cut off", "{{payload.a}}", { a: `${LINK} ${"y".repeat(30_000)}` }],
    ["behind a mark of the operator", "It`s {{payload.a}}", { a: LINK }],
    ["between marks of the operator", "Ran `{{payload.a}}`", { a: `x\` ${LINK} \`` }],
    ["in a block of the operator", "Log:\n```\n{{payload.a}}\n```", { a: `x\n${LINK}` }],
    ["in a block with other marks", "~~~\n{{payload.a}}\n~~~", { a: `x\n~~~\n${LINK}` }],
    ["in a table", "| a |\n|---|\n| {{payload.a}} |", { a: `x | ${LINK}` }],
    ["behind one that stands as it is", "{{{payload.a}}} {{payload.b}}", { a: "`", b: LINK }],
  ])("are code %s", async (_where, template, payload) => {
    const text = await message(template, payload);
    expect(text).toContain("EVIL");
    expect(outsideOfCode(text)).not.toContain("EVIL");
    expect(text.length).toBeLessThanOrEqual(20_000);
  });

  test("are code wherever they stand and whatever they are", async () => {
    const TEMPLATES = [
      "# {{a}} {{b}}",
      "- {{a}}\n- {{b}}",
      "> {{a}}{{b}}",
      "**{{a}}** _{{b}}_",
      "[{{a}}]({{b}})",
      "It said: {{a}}\n\n{{b}}",
    ];
    const piece = fc.constantFrom(
      "`",
      "``",
      "```",
      "~~~",
      "\n",
      "\r",
      " ",
      "|",
      "\\",
      "x",
      "EVIL",
      LINK,
      "<br>",
      "> ",
      "- ",
      "---",
    );
    const value = fc.array(piece, { maxLength: 8 }).map((pieces) => pieces.join(""));
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...TEMPLATES), value, value, async (template, a, b) => {
        const named = template.replaceAll("{{a}}", "{{payload.a}}").replaceAll("{{b}}", "{{payload.b}}");
        expect(outsideOfCode(await message(named, { a, b }))).not.toContain("EVIL");
      }),
      { numRuns: 2_000 },
    );
  });
});

describe("a message", () => {
  test("keeps the marks of the operator", async () => {
    const text = await message("**Disk** `df`: {{payload.disk}} is _full_.", { disk: "sda" });
    expect(text).toBe("**Disk** `df`: `sda` is _full_.");
  });

  test("shows a value as it is where the operator says so, and is cut when it is long", async () => {
    expect(await message("{{{payload.text}}}", { text: "**x**" })).toBe("**x**");
    expect((await message("{{{payload}}}", "y".repeat(50_000))).length).toBe(20_000);
  });
});
