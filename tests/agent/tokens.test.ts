import { expect, test } from "bun:test";
import { estimateParts, estimateTokens } from "../../src/agent/tokens.ts";

test("Chinese, Japanese and Korean count nearly a token a character, other text a quarter", () => {
  expect(estimateTokens("")).toBe(0);
  expect(estimateTokens("abcdefgh")).toBe(2);
  expect(estimateTokens("今天天气怎么样")).toBe(6);
  expect(estimateTokens("ひらがな")).toBe(3);
  expect(estimateTokens("한국어요")).toBe(3);
  expect(estimateTokens("你好 hello")).toBe(3);
});

test("a recording counts by how long it is, which its size and its kind tell", () => {
  const minute = (mediaType: string, bytesPerSecond: number) =>
    estimateParts([{ type: "audio", mediaType, data: "A".repeat((bytesPerSecond * 60 * 4) / 3) }]);
  for (const [mediaType, bytesPerSecond] of [
    ["audio/ogg", 2_000],
    ["audio/mpeg", 8_000],
    ["audio/wav", 32_000],
  ] as const)
    expect(minute(mediaType, bytesPerSecond)).toBe(32 * 60);
});
