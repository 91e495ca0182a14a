/** A part of a Gemini answer. */
export type GeminiPart =
  | { text: string; thought?: true; thoughtSignature?: string }
  | { functionCall: { name: string; args: object }; thoughtSignature?: string };

/**
 * The events of `:streamGenerateContent?alt=sse` (https://ai.google.dev/api/generate-content): one part per chunk, usage on
 * every chunk, the finish reason on the last one. With `finishReason: null` the stream ends without it.
 */
export function geminiEvents(parts: readonly GeminiPart[], finishReason: string | null = "STOP"): object[] {
  return parts.map((part, index) => ({
    candidates: [
      {
        content: { role: "model", parts: [part] },
        index: 0,
        ...(finishReason !== null && index === parts.length - 1 ? { finishReason } : {}),
      },
    ],
    usageMetadata: {
      promptTokenCount: 30,
      cachedContentTokenCount: 10,
      candidatesTokenCount: index + 1,
      thoughtsTokenCount: 4,
      totalTokenCount: 35 + index,
    },
    modelVersion: "gemini-test",
    responseId: "r1",
  }));
}
