import { describe, expect, test } from "bun:test";
import { wordsIn } from "../../src/gateway/words.ts";
import type { ERROR_CODES } from "../../src/lib/errors.ts";

const failure = (code: string) => ({ code, message: "The English message.", hint: "The English hint." });

describe("what went wrong is told", () => {
  test("in English with what can be done about it", () => {
    expect(wordsIn("en").failed(failure("model_timeout"))).toBe(
      "⚠️ The English message.\nThe English hint.\n(`model_timeout`)",
    );
    expect(wordsIn("en").failed({ code: "internal", message: "Oh." })).toBe("⚠️ Oh.\n(`internal`)");
  });

  test("in Chinese with what can be done about it", () => {
    expect(wordsIn("zh").failed(failure("model_timeout"))).toBe(
      "⚠️ 模型服务商没有及时回答。\n请重试，或更换模型。\n（`model_timeout`）",
    );
  });

  const turnCodes = [
    "unknown_model",
    "model_refused",
    "model_bad_answer",
    "model_endless",
    "model_unreachable",
    "model_rate_limited",
    "model_timeout",
    "budget_exceeded",
    "overloaded",
    "attachment_refused",
    "invalid_request",
    "locked_out",
    "store_unavailable",
    "internal",
  ] satisfies (keyof typeof ERROR_CODES)[];
  test.each(turnCodes)("%s in Chinese alone, in three short lines", (code) => {
    const told = wordsIn("zh").failed(failure(code));
    expect(told).not.toContain("English");
    const [message, hint, ...rest] = told.split("\n");
    expect(message).toMatch(/^⚠️ \p{Script=Han}.*。$|^⚠️ Hermes .*。$/u);
    expect(hint).toMatch(/^[^\n]{4,40}。$/u);
    expect(rest).toEqual([`（\`${code}\`）`]);
  });

  test("as it is where there are no Chinese words for it", () => {
    expect(wordsIn("zh").failed(failure("page_unreadable"))).toBe(
      "⚠️ The English message.\nThe English hint.\n（`page_unreadable`）",
    );
  });
});

describe("why a file was not sent is told", () => {
  const why = (code: string, message = "The English message.") => ({ code, message });

  test("in English as it is", () => {
    expect(wordsIn("en").fileLeftOut("a.png", why("refused"))).toBe(
      "⚠️ `a.png` could not be sent: The English message.",
    );
  });

  test.each(["forbidden", "not_found", "bad_request", "conflict", "internal", "constructor"])(
    "%s in Chinese alone",
    (code) => {
      const told = wordsIn("zh").fileLeftOut("a.png", why(code));
      expect(told).toMatch(/^⚠️ `a\.png` 未能发送：(Hermes )?[\p{Script=Han}，]+。$/u);
      expect(told).not.toContain("English");
    },
  );

  test("in Chinese with the platform's own words, which are quoted", () => {
    expect(wordsIn("zh").fileLeftOut("a.png", why("refused", "file `x` is too big"))).toBe(
      "⚠️ `a.png` 未能发送：平台拒绝了它（`` file `x` is too big ``）。",
    );
  });
});
