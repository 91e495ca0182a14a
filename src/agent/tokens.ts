import type { ModelMessage, ModelTool } from "../models/contract.ts";
import type { Part } from "../store/records.ts";

const TOKENS_PER_CJK_CHAR = 0.75;
const TOKENS_PER_OTHER_CHAR = 0.25;
const TOKENS_PER_IMAGE = 1_200;
/** As Gemini counts, which of those whose count is known counts most. */
const TOKENS_PER_AUDIO_SECOND = 32;
/** How long a recording is, from its size: what speech is recorded with, rather low. */
const AUDIO_BYTES_PER_SECOND = { packed: 2_000, mp3: 8_000, raw: 32_000 };
/** What a message costs besides its text. */
const TOKENS_PER_MESSAGE = 6;

/** Han, kana, hangul and full-width forms: one character there is nearly a token. */
const CJK = /[⺀-鿿ꀀ-꓏가-힯豈-﫿︰-﹏＀-￯\u{20000}-\u{3ffff}]/gu;

/** About how many tokens a text has, without a tokenizer: within some percent on mixed Chinese and English. */
export function estimateTokens(text: string): number {
  const cjk = countCjk(text);
  return Math.ceil(cjk * TOKENS_PER_CJK_CHAR + (text.length - cjk) * TOKENS_PER_OTHER_CHAR);
}

function countCjk(text: string): number {
  let count = 0;
  CJK.lastIndex = 0;
  while (CJK.test(text)) count += 1;
  return count;
}

/** About how many tokens the parts of a message have. */
export function estimateParts(parts: readonly Part[]): number {
  let tokens = 0;
  for (const part of parts) tokens += estimatePart(part);
  return tokens;
}

function estimatePart(part: Part): number {
  switch (part.type) {
    case "text":
      return estimateTokens(part.text);
    case "image":
      return TOKENS_PER_IMAGE;
    case "audio": {
      const bytes = part.data.length * 0.75; // of base64
      return Math.ceil((bytes / bytesPerSecond(part.mediaType)) * TOKENS_PER_AUDIO_SECOND);
    }
  }
}

function bytesPerSecond(mediaType: string): number {
  if (/wav|pcm|aiff|flac/.test(mediaType)) return AUDIO_BYTES_PER_SECOND.raw;
  if (/mpeg|mp3|mp4|m4a|aac/.test(mediaType)) return AUDIO_BYTES_PER_SECOND.mp3;
  return AUDIO_BYTES_PER_SECOND.packed;
}

/** About how many tokens a message costs. */
export function estimateMessage(message: ModelMessage): number {
  return TOKENS_PER_MESSAGE + estimateContent(message);
}

function estimateContent(message: ModelMessage): number {
  switch (message.role) {
    case "system":
      return estimateTokens(message.text);
    case "tool":
      return estimateTokens(message.text) + (message.images?.length ?? 0) * TOKENS_PER_IMAGE;
    case "user":
      return estimateParts(message.parts);
    case "assistant": {
      let tokens = estimateTokens(message.text) + estimateTokens(message.reasoning ?? "");
      for (const call of message.toolCalls)
        tokens += estimateTokens(call.name) + estimateTokens(call.arguments) + 8;
      return tokens;
    }
  }
}

/** About how many tokens several messages cost. */
export function estimateMessages(messages: readonly ModelMessage[]): number {
  return messages.reduce((sum, message) => sum + estimateMessage(message), 0);
}

/** About how many tokens it costs to tell a model of the tools. */
export function estimateTools(tools: readonly ModelTool[]): number {
  return tools.length === 0 ? 0 : estimateTokens(JSON.stringify(tools));
}
