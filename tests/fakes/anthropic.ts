/** A content block of the Anthropic Messages API, as a model answers it. */
export type AnthropicBlock =
  | { type: "text"; text: string }
  | { type: "thinking"; thinking: string; signature: string }
  | { type: "tool_use"; id: string; name: string; input: object };

/**
 * The events of a streamed Anthropic message (https://docs.anthropic.com/en/docs/build-with-claude/streaming): message_start,
 * the blocks with their deltas in two pieces, a ping, message_delta, message_stop.
 */
export function anthropicEvents(blocks: readonly AnthropicBlock[], stopReason = "end_turn"): object[] {
  const usage = {
    input_tokens: 20,
    cache_read_input_tokens: 80,
    cache_creation_input_tokens: 0,
    output_tokens: 1,
  };
  const message = {
    id: "msg_1",
    type: "message",
    role: "assistant",
    model: "claude-test",
    content: [],
    stop_reason: null,
    stop_sequence: null,
    usage,
  };
  return [
    { type: "message_start", message },
    { type: "ping" },
    ...blocks.flatMap(blockEvents),
    {
      type: "message_delta",
      delta: { stop_reason: stopReason, stop_sequence: null },
      usage: { output_tokens: 42 },
    },
    { type: "message_stop" },
  ];
}

function blockEvents(block: AnthropicBlock, index: number): object[] {
  const delta = (delta: object) => ({ type: "content_block_delta", index, delta });
  const stop = { type: "content_block_stop", index };
  switch (block.type) {
    case "text":
      return [
        { type: "content_block_start", index, content_block: { type: "text", text: "" } },
        ...halves(block.text).map((text) => delta({ type: "text_delta", text })),
        stop,
      ];
    case "thinking":
      return [
        {
          type: "content_block_start",
          index,
          content_block: { type: "thinking", thinking: "", signature: "" },
        },
        ...halves(block.thinking).map((thinking) => delta({ type: "thinking_delta", thinking })),
        delta({ type: "signature_delta", signature: block.signature }),
        stop,
      ];
    case "tool_use":
      return [
        {
          type: "content_block_start",
          index,
          content_block: { type: "tool_use", id: block.id, name: block.name, input: {} },
        },
        ...halves(JSON.stringify(block.input)).map((json) =>
          delta({ type: "input_json_delta", partial_json: json }),
        ),
        stop,
      ];
  }
}

function halves(text: string): string[] {
  const middle = Math.ceil(text.length / 2);
  return [text.slice(0, middle), text.slice(middle)];
}
