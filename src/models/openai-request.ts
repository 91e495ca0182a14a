import type { Part } from "../store/records.ts";
import type { ModelMessage, ModelRequest } from "./contract.ts";
import type { Endpoint } from "./endpoint.ts";
import { wireParts } from "./openai-parts.ts";
import { argumentsObject } from "./tool-arguments.ts";

/** A chat completion request in the OpenAI wire format, streaming, with usage. */
export function completionRequest(request: ModelRequest, endpoint: Endpoint): Record<string, unknown> {
  const maxTokens = request.maxOutputTokens ?? endpoint.maxOutputTokens;
  const temperature = request.temperature ?? endpoint.temperature;
  const official = isOpenAi(endpoint);
  return {
    model: endpoint.model,
    messages: wireMessages(request.messages, endpoint),
    stream: true,
    stream_options: { include_usage: true },
    ...(request.tools.length > 0 ? { tools: request.tools.map(wireTool) } : {}),
    ...(maxTokens === null ? {} : { [official ? "max_completion_tokens" : "max_tokens"]: maxTokens }),
    ...(temperature === null || (official && isFixedTemperature(endpoint.model)) ? {} : { temperature }),
  };
}

function wireTool({ name, description, parameters }: ModelRequest["tools"][number]): object {
  return { type: "function", function: { name, description, parameters } };
}

/** Reasoning goes back only inside the tool loop that is still open: after the last user message. */
function wireMessages(messages: ModelMessage[], endpoint: Endpoint): object[] {
  const reasoningBack = wantsReasoningBack(endpoint);
  const lastUser = messages.findLastIndex((message) => message.role === "user");
  return messages.flatMap((message, index) => {
    const wire = wireMessage(message, endpoint, reasoningBack && index > lastUser);
    const isLastResult = message.role === "tool" && messages[index + 1]?.role !== "tool";
    return isLastResult ? [wire, ...imagesOfStep(messages, index, endpoint)] : [wire];
  });
}

/** A tool message holds only text on this wire: the images of a step follow its last result, as if the user showed them. */
function imagesOfStep(messages: ModelMessage[], last: number, endpoint: Endpoint): object[] {
  const first = messages.findLastIndex((message, index) => index < last && message.role !== "tool") + 1;
  const parts = messages.slice(first, last + 1).flatMap((message): Part[] => {
    if (message.role !== "tool" || !message.images?.length) return [];
    const { toolName, toolCallId, images } = message;
    return [{ type: "text", text: `[From the result of ${toolName}, call ${toolCallId}:]` }, ...images];
  });
  return parts.length === 0 ? [] : [{ role: "user", content: wireParts(parts, endpoint) }];
}

function wireMessage(message: ModelMessage, endpoint: Endpoint, reasoningBack: boolean): object {
  switch (message.role) {
    case "system":
      return { role: "system", content: message.text };
    case "user":
      return { role: "user", content: wireParts(message.parts, endpoint) };
    case "tool":
      return { role: "tool", tool_call_id: message.toolCallId, content: message.text };
    case "assistant":
      return {
        role: "assistant",
        content: message.text || (message.toolCalls.length > 0 ? null : ""),
        ...(reasoningBack && message.reasoning ? { reasoning_content: message.reasoning } : {}),
        ...(message.toolCalls.length > 0 ? { tool_calls: message.toolCalls.map(wireCall) } : {}),
      };
  }
}

/** The call as valid JSON: many servers parse the arguments of the history and fail on what a model once got wrong. */
function wireCall({ id, name, arguments: text }: { id: string; name: string; arguments: string }): object {
  const { value, valid } = argumentsObject(text);
  return { id, type: "function", function: { name, arguments: valid ? text : JSON.stringify(value) } };
}

function isOpenAi(endpoint: Endpoint): boolean {
  return new URL(endpoint.baseUrl).hostname === "api.openai.com";
}

/** OpenAI's reasoning models refuse a temperature. */
function isFixedTemperature(model: string): boolean {
  return /^(o\d|gpt-[5-9])/.test(model);
}

const REFUSES_REASONING = /(^|\.)(openai|groq|mistral|cerebras)\.(com|ai)$/;
const THINKS =
  /deepseek|moonshot|kimi|zhipu|bigmodel|\bz\.?ai\b|glm|qwen|qwq|dashscope|minimax|siliconflow|volc|doubao|think/i;

/**
 * Whether the model must be given its own reasoning back with the results of its tools. DeepSeek, Kimi, GLM, Qwen, MiniMax
 * and their kin fail or forget without it; OpenAI, Groq and a few more refuse a message that carries it.
 */
function wantsReasoningBack(endpoint: Endpoint): boolean {
  const { hostname } = new URL(endpoint.baseUrl);
  if (REFUSES_REASONING.test(hostname)) return false;
  return THINKS.test(`${endpoint.provider} ${hostname} ${endpoint.model}`);
}
