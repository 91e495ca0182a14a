import { expect, test } from "bun:test";
import { estimateTokens } from "../../src/agent/tokens.ts";

test("Chinese, Japanese and Korean count nearly a token a character, other text a quarter", () => {
  expect(estimateTokens("")).toBe(0);
  expect(estimateTokens("abcdefgh")).toBe(2);
  expect(estimateTokens("今天天气怎么样")).toBe(6);
  expect(estimateTokens("ひらがな")).toBe(3);
  expect(estimateTokens("한국어요")).toBe(3);
  expect(estimateTokens("你好 hello")).toBe(3);
});
