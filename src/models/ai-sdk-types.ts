import type { createAnthropic } from "@ai-sdk/anthropic";

/** The interface that the @ai-sdk packages share, taken from one of them. */
export type LanguageModel = ReturnType<ReturnType<typeof createAnthropic>>;
export type CallOptions = Parameters<LanguageModel["doStream"]>[0];
export type Prompt = CallOptions["prompt"];
export type ProviderOptions = NonNullable<CallOptions["providerOptions"]>;
export type StreamPart =
  Awaited<ReturnType<LanguageModel["doStream"]>>["stream"] extends ReadableStream<infer Part> ? Part : never;
