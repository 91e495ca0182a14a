import { expect, test } from "bun:test";
import type { ModelMessage, ModelRequest } from "../../src/models/contract.ts";
import { fitRequest } from "../../src/models/senses.ts";

const image = { type: "image" as const, mediaType: "image/png", data: "iVBORw0K" };
const audio = { type: "audio" as const, mediaType: "audio/ogg", data: "T2dn" };
const messages: ModelMessage[] = [
  { role: "user", parts: [image] },
  { role: "assistant", text: "", toolCalls: [{ id: "a", name: "file_read", arguments: "{}" }] },
  { role: "tool", toolCallId: "a", toolName: "file_read", text: "a.png", isError: false, images: [image] },
  { role: "user", parts: [{ type: "text", text: "both?" }, image, audio] },
];
const request: ModelRequest = { messages, tools: [] };

test("a model that takes everything gets the request as it is", () => {
  expect(fitRequest(request, { images: true, audio: true })).toBe(request);
});

test("in place of what a model does not take stand words, and for what has just come it is asked to say so", () => {
  const fitted = fitRequest(request, { images: false, audio: true }).messages;
  const hidden = "[An image (image/png) was here. It is not shown to you.]";
  expect(fitted[0]).toEqual({ role: "user", parts: [{ type: "text", text: hidden }] });
  expect(fitted[2]).toEqual({
    role: "tool",
    toolCallId: "a",
    toolName: "file_read",
    text: `a.png\n${hidden}`,
    isError: false,
  });
  const lacked = "[An image (image/png) was here. You cannot see it: say so.]";
  expect(fitted[3]).toEqual({
    role: "user",
    parts: [{ type: "text", text: "both?" }, { type: "text", text: lacked }, audio],
  });
  expect(messages[3]).toMatchObject({ parts: [{ type: "text" }, image, audio] });
});

test("of recordings, those that it cannot hear are told in words, whether they came just now or before", () => {
  const amr = { type: "audio" as const, mediaType: "audio/amr", data: "IyFBTVI=" };
  const said = {
    messages: [amr, audio, amr].map((part) => ({ role: "user" as const, parts: [part] })),
    tools: [],
  };
  const senses = { images: true, audio: true, hears: (mediaType: string) => mediaType === "audio/ogg" };
  expect(fitRequest(said, senses).messages).toEqual([
    {
      role: "user",
      parts: [{ type: "text", text: "[A recording (audio/amr) was here. It is not played to you.]" }],
    },
    { role: "user", parts: [audio] },
    {
      role: "user",
      parts: [{ type: "text", text: "[A recording (audio/amr) was here. You cannot hear it: say so.]" }],
    },
  ]);
});
